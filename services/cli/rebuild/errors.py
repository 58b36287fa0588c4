"""What keeps a table from being rebuilt."""

from services.runtime.config import ConfigError


class RebuildError(ConfigError):
    """The text is for people, with what to do next."""
