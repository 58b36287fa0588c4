"""Results are enough to follow a command (docs/sending.md): its message's end, and an answer to each record of it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from services.checker.commands import Identity, identity
from services.checker.facts import UNSETTLED, Fact, Facts
from services.checker.finding import Looking
from services.checker.statuses import Standing, is_end, named, rung, standings
from services.checker.topics import ACCEPTED, OUTCOMES, RESULTS, SENT, STATUS

# Answers to what came beside, and what is told of the message: no step of the command's own.
_NOT_ITS_OWN = frozenset(
    {
        *("repeated", "duplicate", "cancel_remembered", "cancel_too_late", "resolution_refused", "message"),
        *("rescheduled", "reschedule_refused"),
    }
)


def look(facts: Facts) -> Looking:
    """Of each message that ended and is a command's; and of each command that was produced more than once."""
    looking = Looking()
    if not facts.settled or not facts.whole(ACCEPTED, RESULTS, STATUS, SENT):
        looking.unchecked = UNSETTLED
        return looking
    steps, taken = _by_identity(facts.sound(RESULTS)), _by_identity(_sends(facts))
    known = standings(facts)
    _ends(looking, facts, known, steps, taken)
    for name, told in steps.items():
        _forward(looking, name, told, known)
    for name, records in taken.items():
        _again(looking, name, records, steps.get(name, ()))
    return looking


def _by_identity(told: Sequence[Fact]) -> Mapping[Identity, Sequence[Fact]]:
    found: defaultdict[Identity, list[Fact]] = defaultdict(list)
    for fact in told:
        found[identity(fact.event)].append(fact)
    return found


def _sends(facts: Facts) -> Sequence[Fact]:
    return [fact for fact in facts.sound(ACCEPTED) if fact.event.get("event_type") == "send_accepted"]


def _ends(
    looking: Looking,
    facts: Facts,
    known: Mapping[str, Standing],
    steps: Mapping[Identity, Sequence[Fact]],
    taken: Mapping[Identity, Sequence[Fact]],
) -> None:
    # What became a dead letter was not heard.
    unheard = {fact.text("message_sid") for fact in facts.of(OUTCOMES) if fact.at in facts.buried}
    for word, standing in known.items():
        sid = word.partition(" ")[0]
        name = Identity(standing.contact.rpartition("|")[0], standing.contact, standing.command_id)
        if not is_end(standing.status) or name not in taken or sid in unheard:
            continue
        looking.checked += 1
        told = [fact for fact in steps.get(name, ()) if _is_end_of(fact, sid)]
        wanted = standing.status, standing.error_code
        if not told:
            looking.lost.append(f"{sid}: it ended {_words(*wanted)}, and {name} is not told")
        elif _said(told[-1]) != wanted:
            said = _words(*_said(told[-1]))
            looking.wrong.append(f"{told[-1].at}: {name} is told that {sid} is {said}; its facts say {_words(*wanted)}")


def _forward(looking: Looking, name: Identity, told: Sequence[Fact], known: Mapping[str, Standing]) -> None:
    """Each end is one that a fact states, and goes on from the one before."""
    before: dict[str, Fact] = {}
    for fact in told:
        sid = fact.text("message_sid")
        if fact.event.get("step") != "message":
            continue
        stood = known.get(named(fact))
        if stood is None or fact.event.get("message_status") not in stood.steps:
            looking.wrong.append(f"{fact.at}: {name} is told an end of {sid or 'nothing'} that no fact says")
        last = before.get(sid)
        if last is not None and (
            rung(fact.text("message_status")) < rung(last.text("message_status")) or _said(fact) == _said(last)
        ):
            looking.wrong.append(f"{fact.at}: {name} goes from {_words(*_said(last))} to {_words(*_said(fact))}")
        before[sid] = fact


def _again(looking: Looking, name: Identity, records: Sequence[Fact], told: Sequence[Fact]) -> None:
    """The first record is the command; each other one of its content is answered, once, by how far it has come."""
    first = records[0]
    content = first.event.get("fingerprint")
    others = {fact.id for fact in records if fact.event.get("fingerprint") == content} - {first.id}
    answers: dict[str, Fact] = {}
    own = ""
    for fact in told:
        step = fact.text("step")
        if step == "repeated":
            answers.setdefault(fact.id, fact)
            if fact.event.get("last_step") != own:
                said = fact.event.get("last_step")
                looking.wrong.append(f"{fact.at}: {name} is told again to be {said}; its last step is {own}")
        own = own if step in _NOT_ITS_OWN else step
    looking.checked += len(others)
    if len(answers) < len(others):
        lacking = len(others) - len(answers)
        looking.lost.append(f"{first.at}: {name} was produced {len(others) + 1} times, and {lacking} are not answered")
    if len(answers) > len(others):
        last = list(answers.values())[-1]
        looking.doubled.append(
            f"{last.at}: {name} is repeated {len(answers)} times, and was produced {len(others) + 1}"
        )


def _is_end_of(fact: Fact, sid: str) -> bool:
    return fact.event.get("step") == "message" and fact.text("message_sid") == sid


def _said(fact: Fact) -> tuple[str, int | None]:
    return fact.text("message_status"), fact.event.get("code")


def _words(status: str, code: int | None) -> str:
    return f"{status} {code}" if code else status
