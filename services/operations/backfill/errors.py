"""Why a backfill cannot be done."""

from services.runtime.section import ConfigError


class BackfillError(ConfigError):
    """A sentence for people, with what to do next."""
