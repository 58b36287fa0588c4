"""Bars for what takes a while."""

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn


class Bars:
    """A bar for each thing that takes a while; on a terminal alone, and gone when all is over."""

    def __init__(self) -> None:
        console = Console(stderr=True, highlight=False)
        self.progress = Progress(
            TextColumn("{task.description:<24}"),
            BarColumn(24),
            TextColumn("{task.fields[told]}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}

    def show(self, name: str, done: int, total: int | None = None) -> None:
        """So many are done, of so many where that is known."""
        if name not in self._tasks:
            self._tasks[name] = self.progress.add_task(name, total=None, told="")
        told = f"{done:,}" if total is None else f"{done:,}/{total:,}"
        self.progress.update(self._tasks[name], completed=done, total=total, told=told)
