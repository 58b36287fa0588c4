"""Late, doubled and reordered callbacks change nothing: statuses join by rank (README)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from services.checker.facts import UNSETTLED, Fact, Facts
from services.checker.finding import Looking
from services.checker.statuses import SAID_NO, Standing, is_end, named, rung, standings
from services.checker.topics import DELIVERY, DELIVERY_ROWS, OUTCOMES, SENT, STATUS


def look(facts: Facts) -> Looking:
    """What stands last of each message is what follows from its facts; each step goes forward; each end is told."""
    looking = Looking()
    if not facts.whole(STATUS, SENT, DELIVERY):
        looking.unchecked = UNSETTLED
        return looking
    wanted = standings(facts)
    steps, ends, rows = _by_message(facts.of(DELIVERY)), _by_message(facts.of(OUTCOMES)), _rows(facts)
    looking.checked = len(wanted)
    for sid, standing in wanted.items():
        _last(looking, sid, standing, steps.get(sid, ()), facts.settled)
        _forward(looking, sid, steps.get(sid, ()))
        if standing.contact:
            _refusals(looking, sid, standing, ends.get(sid, ()), facts.settled)
        if standing.contact and is_end(standing.status):
            _ended(looking, sid, standing, ends.get(sid, ()), facts.settled)
        if rows and facts.settled:
            _row(looking, sid, standing, rows.get(sid))
    for sid in steps.keys() | ends.keys() | rows.keys():
        if sid not in wanted and facts.settled:
            looking.wrong.append(f"{sid}: something is told of it, and no fact names it")
    return looking


def _by_message(told: Sequence[Fact]) -> Mapping[str, list[Fact]]:
    found: defaultdict[str, list[Fact]] = defaultdict(list)
    for fact in told:
        # The outcome of a refused command names no message.
        if name := named(fact):
            found[name].append(fact)
    return found


def _rows(facts: Facts) -> Mapping[str, Fact]:
    """The last row of each message, as the changelog has it."""
    return {fact.entry.key.decode(errors="replace"): fact for fact in facts.of(DELIVERY_ROWS)}


def _same(fact: Fact, before: Fact) -> bool:
    """A step that tells nothing: neither where the message stands, nor under what it is counted."""
    places = (one.event.get("counted_now") for one in (fact, before))
    return _told(fact) == _told(before) and len({str(place) for place in places}) == 1


def _told(fact: Fact) -> tuple[Any, Any]:
    return fact.event.get("status"), fact.event.get("error_code")


def _last(looking: Looking, sid: str, standing: Standing, steps: Sequence[Fact], settled: bool) -> None:
    wanted = standing.status, standing.error_code
    if not steps:
        if settled:
            looking.lost.append(f"{sid}: it is {wanted[0]}, and no step is told")
        return
    last = steps[-1]
    unknown = [fact for fact in steps if settled and fact.event.get("status") not in standing.steps]
    looking.wrong += [f"{fact.at}: {sid} is told {fact.event.get('status')}, which no fact says" for fact in unknown]
    if settled and not unknown and _told(last) != wanted:
        looking.wrong.append(f"{last.at}: {sid} is told {_words(_told(last))} at last; its facts say {_words(wanted)}")
    if last.event.get("final") is not is_end(last.text("status")):
        looking.wrong.append(f"{last.at}: {sid} is {last.text('status')}, and final says {last.event.get('final')}")


def _forward(looking: Looking, sid: str, steps: Sequence[Fact]) -> None:
    before: Fact | None = None
    for fact in steps:
        previous = before.event.get("status") if before is not None else None
        if fact.event.get("previous_status") != previous:
            said = fact.event.get("previous_status")
            looking.lost.append(f"{fact.at}: {sid} goes on from {said}, and stood at {previous}")
        if before is not None and (rung(fact.text("status")) < rung(before.text("status")) or _same(fact, before)):
            looking.wrong.append(f"{fact.at}: {sid} goes from {_words(_told(before))} to {_words(_told(fact))}")
        before = fact


def _ended(looking: Looking, sid: str, standing: Standing, ends: Sequence[Fact], settled: bool) -> None:
    if not settled:
        return
    wanted = standing.status, standing.error_code
    if not ends:
        looking.lost.append(f"{sid}: it ended {_words(wanted)}, and no outcome is told")
    elif _told(ends[-1]) != wanted:
        looking.wrong.append(f"{ends[-1].at}: {sid} ended {_words(_told(ends[-1]))}; its facts say {_words(wanted)}")
    elif ends[-1].text("contact") != standing.contact:
        looking.wrong.append(f"{ends[-1].at}: the end of {sid} is told to another contact than its facts name")


def _refusals(looking: Looking, sid: str, standing: Standing, ends: Sequence[Fact], settled: bool) -> None:
    """Whoever said no said it, also where the message is told to have arrived after all."""
    told = {_told(fact) for fact in ends}
    for status, step in standing.steps.items():
        if settled and step.error and step.error[1] in SAID_NO and (status, step.error[1]) not in told:
            looking.lost.append(f"{sid}: {status} {step.error[1]} says that the person opted out, and no outcome does")


def _row(looking: Looking, sid: str, standing: Standing, row: Fact | None) -> None:
    if row is None or row.entry.value is None:
        looking.lost.append(f"{sid}: it has no row in {DELIVERY_ROWS}")
        return
    wanted = {
        status: {"at": step.at, "error": list(step.error) if step.error else None}
        for status, step in standing.steps.items()
    }
    said = orjson.dumps(row.event.get("steps"), option=orjson.OPT_SORT_KEYS)
    if said != orjson.dumps(wanted, option=orjson.OPT_SORT_KEYS):
        looking.wrong.append(f"{row.at}: the row of {sid} has other steps than its facts")
    if row.text("contact") != standing.contact or row.text("command_id") != standing.command_id:
        looking.wrong.append(f"{row.at}: the row of {sid} names another contact or command than its facts")


def _words(told: tuple[Any, Any]) -> str:
    return f"{told[0]} {told[1]}" if told[1] else str(told[0])
