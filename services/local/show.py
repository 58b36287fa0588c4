"""What is seen while it starts and runs: steps and counts, live on a terminal, line by line elsewhere."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.text import Text

_PLAIN_EVERY_S = 2.0
_FRAMES_PER_S = 8
_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧"


@dataclass
class _Step:
    name: str
    began: float
    detail: str = ""
    state: str = "running"
    took_s: float = 0.0


@dataclass(frozen=True)
class Count:
    """How many of how many, where that is known."""

    done: int
    total: int | None = None

    def __str__(self) -> str:
        return f"{self.done:,}" if self.total is None else f"{self.done:,}/{self.total:,}"


class Show:
    """The steps so far and the counts of the story. Open it while something is going on."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._began = time.monotonic()
        self._steps: list[_Step] = []
        self._bars = Progress(TextColumn("  {task.description:<28}"), BarColumn(24), TextColumn("{task.fields[told]}"))
        self._tasks: dict[str, TaskID] = {}
        self._plain_at = 0.0
        self._over = False
        live = console.is_terminal and not console.is_dumb_terminal
        self._live = (
            Live(console=console, get_renderable=self._render, refresh_per_second=_FRAMES_PER_S) if live else None
        )

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._bars.tasks:
            # A bar without an end would go on moving.
            self._bars.update(task.id, total=task.total or task.completed)
        self._over = True
        if self._live:
            self._live.stop()

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self._began

    @contextmanager
    def step(self, name: str, detail: str = "") -> Iterator[None]:
        """Something that takes a while: shown while it lasts, ticked or crossed when it is over."""
        step = _Step(name, time.monotonic(), detail)
        self._steps.append(step)
        self._tell(f"… {name}")
        try:
            yield
        except BaseException:
            step.state = "failed"
            raise
        else:
            step.state = "done"
        finally:
            step.took_s = time.monotonic() - step.began
            self._tell(f"{'✓' if step.state == 'done' else '✗'} {name}  {detail}  ({step.took_s:.1f} s)")

    def say(self, line: str) -> None:
        """A line that stays."""
        self._steps.append(_Step(line, time.monotonic(), state="said"))
        self._tell(f"  {line}")

    def counts(self, counts: Mapping[str, Count], since_s: float) -> None:
        """How far the story is, `since_s` seconds after its beginning."""
        for name, count in counts.items():
            if name not in self._tasks:
                self._tasks[name] = self._bars.add_task(name, told="")
            rate = f"  {count.done / since_s:,.0f}/s" if since_s and count.done != count.total else ""
            self._bars.update(self._tasks[name], completed=count.done, total=count.total, told=f"{count}{rate}")
        if time.monotonic() - self._plain_at > _PLAIN_EVERY_S:
            self._plain_at = time.monotonic()
            self._tell("  " + " · ".join(f"{name} {count}" for name, count in counts.items()))

    def _tell(self, line: str) -> None:
        if self._live is None:
            self.console.print(Text(f"{self.elapsed_s:6.1f} s  {line}"), soft_wrap=True)

    def _render(self) -> RenderableType:
        # What a terminal has no lines for is cut off at its end: better the first steps than the bars.
        room = max(1, self.console.height - len(self._tasks) - 1)
        lines = [self._line(step) for step in (self._steps if self._over else self._steps[-room:])]
        return Group(*lines, self._bars) if self._tasks else Group(*lines)

    def _line(self, step: _Step) -> Text:
        if step.state == "said":
            return Text(f"  {step.name}", "italic")
        now = time.monotonic()
        mark, style = {
            "running": (_FRAMES[int(now * _FRAMES_PER_S) % len(_FRAMES)], "cyan"),
            "done": ("✓", "green"),
            "failed": ("✗", "red"),
        }[step.state]
        took_s = now - step.began if step.state == "running" else step.took_s
        line = Text(no_wrap=True, overflow="ellipsis")
        return line.append(f"{mark} ", style).append(f"{step.name:<20}{took_s:5.1f} s  ").append(step.detail, "dim")
