"""Tasks of the sender's own, which nobody awaits."""

import asyncio
import logging

logger = logging.getLogger(__name__)


def tell(task: "asyncio.Task[None]") -> None:
    """Log what a task failed with."""
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.error("work of the sender's failed: %r", error, exc_info=error)
