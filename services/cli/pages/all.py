"""Which pages there are."""

from collections.abc import Callable, Mapping

from services.cli import explain
from services.cli.pages import cli, metrics, sending, settings, topics

PAGES: Mapping[str, Callable[[], str]] = {
    "topics.md": topics.page,
    "settings.md": settings.page,
    "cli.md": cli.page,
    "metrics.md": metrics.page,
    "sending.md": sending.page,
    "errors.md": explain.page,
}
