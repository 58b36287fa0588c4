"""Consent is the same for every order and repetition of the facts (README, "May we write?" and "Topics")."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from services.checker.consent import Consent, Said, best, consent, released
from services.checker.facts import Facts
from services.checker.finding import Looking
from services.checker.holds import MOST, Hold, standing
from services.checker.topics import ACCEPTED, CONSENT, INBOUND, OUTCOMES, SUPPRESSION

# Beyond them what was said is kept in one word for all of it.
_MOST_MARKS, _MOST_SCOPES, _MOST_LINKS = 8, 64, 8


def look(facts: Facts) -> Looking:
    """What was said has its evidence, and the last answer of each contact follows from it."""
    looking = Looking()
    known = consent(facts)
    evidence = {(fact.text("contact"), fact.text("mark"), fact.text("action")) for fact in facts.of(CONSENT)}
    for said in known.said.values():
        for one in {(one.contact, one.statement, one.action): one for one in said}.values():
            looking.checked += 1
            if facts.settled and (one.contact, one.statement, one.action) not in evidence:
                looking.lost.append(f"{one.fact.at}: {one.action}, and {CONSENT} holds no evidence of it")
    if facts.settled and facts.whole(INBOUND, ACCEPTED, OUTCOMES):
        _answers(looking, facts, known)
    return looking


def _answers(looking: Looking, facts: Facts, known: Consent) -> None:
    last = {fact.text("contact"): fact for fact in facts.of(SUPPRESSION)}
    held = standing(facts)
    for contact in known.said.keys() | known.person.keys() | last.keys() | held.keys():
        said = best(known.holds_for(contact))
        holding = held.get(contact, ())
        if contact in known.unsure or len(holding) >= MOST or _is_much(known, contact, said):
            continue
        looking.checked += 1
        wanted, told = {**_standing(said), **_held(holding)}, last.get(contact)
        found = told.event.get("suppressed") if told is not None else {}
        if told is None and wanted:
            looking.lost.append(f"{contact}: {SUPPRESSION} does not say that it opted out of, or is, {_words(wanted)}")
        elif told is not None and found != wanted:
            looking.wrong.append(f"{told.at}: suppressed for {_words(found)}; what was said makes it {_words(wanted)}")


def _is_much(known: Consent, contact: str, said: Sequence[Said]) -> bool:
    """Whether it is more than a row keeps one by one."""
    marks = Counter((one.action, one.scope) for one in said)
    scopes = Counter(action for action, _ in marks)
    people = known.person.get(contact, frozenset())
    return (
        max(marks.values(), default=0) > _MOST_MARKS
        or max(scopes.values(), default=0) > _MOST_SCOPES
        or len(people) > _MOST_LINKS
        or bool(people & known.unsure)
    )


def _standing(said: Sequence[Said]) -> Mapping[str, Mapping[str, str]]:
    """Scope → the first no there that nothing lifts; of those that stop templates alone, the last."""
    yeses = [one for one in said if one.action == "opt_in"]
    left = [one for one in said if one.action == "opt_out" and not released(one, yeses)]
    found: dict[str, Mapping[str, str]] = {}
    left.sort(key=lambda one: (one.at, _evidence(one)))
    whole = [one for one in left if not one.stops_templates_alone]
    for one in (*whole, *reversed([one for one in left if one.stops_templates_alone])):
        found.setdefault(one.scope, {"since": one.at, "evidence": _evidence(one), "source": one.source})
    return found


def _held(holds: Sequence[Hold]) -> Mapping[str, Mapping[str, str]]:
    """Beside what was said: something of theirs could not be read."""
    first = min(((fact.text("at"), one.position) for one in holds for fact in one.placed), default=None)
    return {"held": {"since": first[0], "evidence": first[1], "source": "unread"}} if first else {}


def _evidence(said: Said) -> str:
    return said.said_by or said.fact.id


def _words(suppressed: Any) -> str:
    if not isinstance(suppressed, dict) or not suppressed:
        return "nobody"
    names = ("the tenant" if name == "tenant" else name.partition(":")[0] for name in suppressed)
    return ", ".join(f"{count} {name}" for name, count in Counter(names).items())
