"""Why a file cannot be imported."""

from services.runtime.section import ConfigError


class ImportFileError(ConfigError):
    """A sentence for people, with what to do next."""
