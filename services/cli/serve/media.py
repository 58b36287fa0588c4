"""`switchboard media`."""

from functools import partial

from services.cli.serve.start import needs_topics, serve, worker
from services.media import main


def media() -> None:
    """Copy the files that people send to object storage."""
    serve("media", worker(main.run), partial(needs_topics, "media"))
