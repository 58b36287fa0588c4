"""The outbox fold: what has become of each command. pending → attempted → settled; between them deferred or ambiguous.

Rows are folded from the log (commands, cancels, what tells how they ended) and from what the sender itself does. The
state machine holds the promise: an attempt is on the log before the call, and nothing is tried again that may have been
done.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Any

import msgspec
from msgspec.structs import replace

from services.domain.due import Due
from services.domain.outbox.accepted import CancelAccepted, RescheduleAccepted, ResolutionAccepted
from services.domain.outbox.attempts import Told, attempted, attempting
from services.domain.outbox.cancels import cancel
from services.domain.outbox.claims import checked, resolved
from services.domain.outbox.effects import Effects
from services.domain.outbox.entry import Entry, counted
from services.domain.outbox.facts import Attempted, Attempting, Checked, Judged, Released, Settled
from services.domain.outbox.reschedules import reschedule
from services.domain.outbox.settling import heard, looked_up
from services.domain.outbox.steps import BESIDE, Step
from services.domain.outbox.taking import accepted
from services.domain.outbox.waiting import judged, released, woken
from services.domain.spend.budgets import SpendMoved

# What moves a command that is known, whatever its product says.
_MOVES: Mapping[type, Callable[[Entry, Any], tuple[Entry | None, Told]]] = {
    Judged: judged,
    Released: released,
    Attempting: attempting,
    ResolutionAccepted: resolved,
    Due: woken,
}
# What tells how its call ended; what follows says its product.
_ENDS: Mapping[type, Callable[[Entry, Any, Effects], tuple[Entry, Told]]] = {
    Attempted: attempted,
    Settled: looked_up,
    Checked: checked,
}


class Outbox:
    """The fold, for commands of these products.

    `result`: how a step is told of which no product is known, for only a cancel has come. `row`: the type of its rows.
    `facts`: what it takes.
    """

    def __init__(self, products: Sequence[Effects], result: Callable[[Step], msgspec.Struct]) -> None:
        self._effects = {one.kind: one for one in products}
        self._result = result
        self._beside = BESIDE.union(one.ended for one in products)
        self._commands = frozenset(one.command for one in products)
        heard = dict.fromkeys(type_ for one in products for type_ in one.heard)
        own = (CancelAccepted, RescheduleAccepted, *(type_ for type_ in (*_MOVES, *_ENDS) if type_ is not Due))
        self.facts: tuple[type, ...] = (*self._commands, *heard, *own)
        self.row: Any = Entry[reduce(or_, (one.command for one in products))]  # type: ignore[misc]

    def fold(self, entry: Entry | None, event: Any) -> tuple[Entry | None, list[msgspec.Struct]]:
        """Join one event. What does not fit the state (late, repeated, of a forgotten command) changes nothing."""
        after, told = self._joined(entry, event)
        moved = _moved(entry, after)
        if not told:
            return after, moved
        known = after or entry
        effects = self._effects.get(known.kind) if known is not None else None
        result = self._result if effects is None else effects.result
        derived = moved
        for one in told:
            if not isinstance(one, Step):
                derived.append(one)
                continue
            derived.append(result(one))
            if after is not None and one.name not in self._beside:
                after = replace(after, last_step=one.name, last_code=one.code)
        return after, derived

    def _joined(self, entry: Entry | None, event: Any) -> tuple[Entry | None, Told]:
        type_ = type(event)
        if type_ in self._commands:
            return accepted(entry, event)
        if type_ is CancelAccepted:
            return cancel(entry, event)
        if type_ is RescheduleAccepted:
            return reschedule(entry, event)
        if entry is None:
            return None, ()
        if move := _MOVES.get(type_):
            return move(entry, event)
        effects = self._effects.get(entry.kind)
        if effects is None:
            return entry, ()
        if end := _ENDS.get(type_):
            return end(entry, event, effects)
        # A fact of another product's tells nothing of this one's commands.
        says = effects.heard.get(type_)
        return (entry, ()) if says is None else heard(entry, says(event), effects)


def _moved(before: Entry | None, after: Entry | None) -> list[msgspec.Struct]:
    """What a change of a row does to the budgets; a row that is forgotten changes nothing, its day is long over."""
    if after is None or (after.spend is None and (before is None or before.spend is None)):
        return []
    was, now = counted(before) if before else None, counted(after)
    if was == now:
        return []
    moves = [(was, True), (now, False)]
    return [SpendMoved(tenant=after.tenant, spend=spend, back=back) for spend, back in moves if spend is not None]
