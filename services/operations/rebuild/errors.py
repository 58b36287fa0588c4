"""What keeps a table from being rebuilt."""

from services.runtime.section import ConfigError


class RebuildError(ConfigError):
    """The text is for people, with what to do next."""
