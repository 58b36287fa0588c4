"""Why a dead letter cannot be dealt with."""

from services.runtime.section import ConfigError


class DeadError(ConfigError):
    """A sentence for people, with what to do next."""
