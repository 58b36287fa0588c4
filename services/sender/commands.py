"""What intake must know of a kind of public commands: where they are produced, and what they are, accepted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from services.contract.fold import FoldContract
from services.contract.topic import Topic
from services.domain.identity import Place
from services.domain.messages.intake import Rules
from services.runtime.folding.fold import Record


def _nothing(_record: Record, _event: Any, _steps: Sequence[str]) -> Sequence[msgspec.Struct]:
    return ()


@dataclass(frozen=True, slots=True)
class Commands:
    """One topic of public commands.

    `fold`: the one that takes them in, and keeps those in its one table that wait for their tenant's settings.
    `parse`: the typed command, or all that is wrong with its form, a sentence each. `accept`: the accepted command,
    given the tenant's rules, when it was taken, since when it counts, and where it stands; or all that is wrong with
    it. `about_another`: event types that are about another command; that one of them is wrong, or came by
    another topic, is no end of it.
    `unheard`: what a dead letter of theirs means, see Fold.
    """

    topic: Topic
    fold: FoldContract
    parse: Callable[[dict[str, Any]], Any]
    accept: Callable[[Any, Rules, str, str, Place], Any]
    about_another: tuple[str, ...] = ()
    unheard: Callable[[Record, Any, Sequence[str]], Sequence[msgspec.Struct] | None] = _nothing

    @property
    def parked(self) -> str:
        """The table of those that wait."""
        [table] = self.fold.keeps
        return table
