"""Statements join what is known: marks only grow, so that any order and repetition of the same gives the same row.

A row has room for so many. What finds none goes on suppressing, and releases nothing.
"""

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from services.domain.consent.commands import Mark
from services.domain.consent.scopes import TENANT
from services.domain.consent.standing import Standing
from services.domain.consent.statements import Told

# Of each kind and scope; the latest stay. More of them within a minute are nobody's yes and no.
MOST_MARKS = 8
# A row is written whole. Whoever said STOP to more senders than that is left alone by all of them.
MOST_SCOPES = 64
MOST_LINKS = 8
# Of messages that looked like a no, decided or not; the latest stay.
MOST_DISMISSED = 32
# In place of the marks that found no room any more.
_EARLIER = "~earlier"


def join(state: Standing, told: Iterable[Told], names: Iterable[str]) -> tuple[Standing, list[Told]]:
    """The joined state, and those of `told` that it did not hold. `names`: contacts that are the same person."""
    outs, ins, suspects, dismissed = dict(state.outs), dict(state.ins), dict(state.suspects), state.dismissed
    news = []
    for one in told:
        if one.action == "dismiss":
            before, dismissed = dismissed, _decided(dismissed, one)
            news += [one] if dismissed != before else []
            continue
        into = {"opt_out": outs, "opt_in": ins, "suspected": suspects}[one.action]
        new = False
        for named in one.scopes:
            # Only what suppresses may be widened.
            scope = named if named in into or len(into) < MOST_SCOPES else TENANT
            if scope == TENANT != named and one.action == "opt_in":
                continue
            marks = _with(into.get(scope, {}), one)
            new = new or marks != into.get(scope)
            into[scope] = marks
        if new:
            news.append(one)
    links = state.links
    for name in names:
        if name != state.contact and name not in links and len(links) < MOST_LINKS:
            links = tuple(sorted((*links, name)))
    return replace(state, outs=outs, ins=ins, suspects=suspects, dismissed=dismissed, links=links), news


def _decided(dismissed: dict[str, Mark], told: Told) -> dict[str, Mark]:
    """With one more dismissal: of each message the first."""
    known = dismissed.get(told.id)
    joined = {**dismissed, told.id: told.mark if known is None else min(known, told.mark, key=_precision)}
    by_time = sorted(joined.items(), key=lambda item: (item[1].at, item[0]))
    return dict(sorted(by_time[-MOST_DISMISSED:]))


def _with(marks: Mapping[str, Mark], told: Told) -> dict[str, Mark]:
    known = marks.get(told.id)
    # Of what found no room the latest stays, here and wherever it is shared.
    choose = min if told.id != _EARLIER else max
    joined = {**marks, told.id: told.mark if known is None else choose(known, told.mark, key=_precision)}
    earlier = joined.pop(_EARLIER, None)
    by_time = sorted(joined.items(), key=lambda item: (item[1].at, item[0]))
    kept = dict(by_time[-MOST_MARKS:])
    # What finds no room goes on suppressing, as the latest of it would without its date.
    no_room = [replace(mark, exact=False) for _, mark in by_time[:-MOST_MARKS]]
    if told.action == "opt_out" and (no_room or earlier):
        kept[_EARLIER] = max([*no_room, *([earlier] if earlier else [])], key=lambda mark: (mark.at, mark.evidence))
    return dict(sorted(kept.items()))


def _precision(mark: Mark) -> tuple[bool, str, str]:
    # One statement heard of twice: its own date, then the first arrival.
    return not mark.exact, mark.at, mark.evidence
