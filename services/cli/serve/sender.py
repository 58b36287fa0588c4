"""`switchboard sender`."""

from services.cli.serve.start import needs_topics, serve, worker
from services.operations.lists import MARGIN_S, same_list
from services.runtime.config import Settings
from services.sender import main


def sender() -> None:
    """Turn commands into Twilio calls, at most once."""
    serve("sender", worker(main.run), may_start)


async def may_start(settings: Settings) -> None:
    """Raises ConfigError where its topics are not there, or a sender with another list of tenants' topics runs."""
    await needs_topics("sender", settings)
    await same_list(settings.kafka, settings.sender.session_timeout_s + MARGIN_S)
