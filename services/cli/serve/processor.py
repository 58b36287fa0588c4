"""`switchboard processor`."""

from functools import partial

from services.cli.serve.start import needs_topics, serve, worker
from services.processor import main


def processor() -> None:
    """Fold the log into tables and derived topics, and answer questions about them."""
    serve("processor", worker(main.run), partial(needs_topics, "processor"))
