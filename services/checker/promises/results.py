"""One JSON record out, one outcome back (README, "Sending": exactly one terminal result, unless openly ambiguous)."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from services.checker.commands import CALLED, Asked, Identity, asked, identity, unreadable
from services.checker.facts import Fact, Facts
from services.checker.finding import Looking
from services.checker.history import produced_value
from services.checker.topics import ACCEPTED, CONSENT_COMMANDS, RESULTS, shared

_ENDS = frozenset({"sent", "failed", "blocked", "expired", "canceled"})
# What may be told of a command that has ended, or that has not come.
_BESIDE = frozenset(
    {
        *("repeated", "duplicate", "cancel_remembered", "cancel_too_late", "resolution_refused"),
        *("rescheduled", "reschedule_refused"),
    }
)
_BY_INTAKE = frozenset({"rejected", "recorded"})
# Of a record of megabytes whoever reads the log may be shown the beginning only.
_SEEN_BYTES = 900 * 1024


def look(facts: Facts) -> Looking:
    """Of every command on the log, and of every one that a producer knows to be there."""
    looking = Looking()
    _produced(looking, facts)
    steps: defaultdict[Identity, list[Fact]] = defaultdict(list)
    intake: defaultdict[tuple[str, str, str], dict[str, Fact]] = defaultdict(dict)
    for fact in facts.sound(RESULTS):
        event = fact.event
        if event.get("step") in _BY_INTAKE:
            intake[str(event["step"]), fact.text("command_id"), fact.text("at")][fact.id] = fact
        else:
            steps[identity(event)].append(fact)
    _of_intake(looking, facts, intake)
    _sends(looking, facts, steps)
    _whose(looking, facts, steps)
    return looking


def _produced(looking: Looking, facts: Facts) -> None:
    """What was acknowledged to a producer is on the log."""
    told = facts.witness.produced if facts.witness is not None else ()
    wanted = Counter((str(one["topic"]), produced_value(one)[:_SEEN_BYTES]) for one in told)
    stands = Counter(
        (topic, (fact.entry.value or b"")[:_SEEN_BYTES])
        for topic in {topic for topic, _ in wanted}
        for fact in facts.of(topic)
    )
    for (topic, value), count in wanted.items():
        if (missing := count - stands[topic, value]) > 0:
            # Neither its key nor its value: both may be about somebody.
            name = f"{len(value)} bytes, sha256 {hashlib.sha256(value).hexdigest()[:12]}"
            looking.lost.append(f"{topic}: {missing} of {count} produced records of {name} are not there")


def _of_intake(looking: Looking, facts: Facts, told: Mapping[tuple[str, str, str], Mapping[str, Fact]]) -> None:
    """`rejected` or `recorded`, of each record one: under who said it, or under none where nobody knows who."""
    wanted: defaultdict[tuple[str, str, str], list[Asked]] = defaultdict(list)
    for one in (*asked(facts), *unreadable(facts)):
        if one.accepted is None:
            wanted["rejected", one.command_id, one.at].append(one)
        elif shared(one.fact.entry.topic) == CONSENT_COMMANDS:
            wanted["recorded", one.command_id, one.at].append(one)
    for key, records in wanted.items():
        looking.checked += len(records)
        found = told.get(key, {})
        _each_once(looking, key, records, found, facts.settled)
        ends = not records[0].about_another
        looking.wrong += [
            f"{one.at}: command {key[1]!r} is {key[0]}, and terminal says {one.event.get('terminal')}"
            for one in found.values()
            if one.event.get("terminal") is not ends
        ]


def _each_once(
    looking: Looking, key: tuple[str, str, str], records: Sequence[Asked], found: Mapping[str, Fact], settled: bool
) -> None:
    step, command_id, _ = key
    given, answered = Counter(one.said_by for one in records), Counter(one.text("tenant") for one in found.values())
    # Who was told nothing under a name of theirs, was told under none.
    unnamed = Counter({tenant: count for tenant, count in (given - answered).items() if tenant})
    if unnamed.total() + given[""] > answered[""] and settled:
        tenant = next(iter(unnamed), "")
        name = f"command {command_id!r} of {tenant}" if tenant else "a record in nobody's name"
        looking.lost.append(f"{records[0].fact.at}: {name} was neither accepted nor {step}")
    answered[""] -= unnamed.total()
    for tenant in answered - given:
        last = [one for one in found.values() if one.text("tenant") == tenant][-1]
        whose = f" of {tenant}" if tenant else ""
        more = f"under {answered[tenant]} ids, and was given {given[tenant]} times"
        looking.doubled.append(f"{last.at}: command {command_id!r}{whose} is {step} {more}")


def _sends(looking: Looking, facts: Facts, steps: Mapping[Identity, Sequence[Fact]]) -> None:
    for name, accepted in _identities(facts).items():
        looking.checked += 1
        told = steps.get(name, ())
        ends = {fact.id: fact for fact in told if fact.event.get("terminal")}
        if len(ends) > 1:
            said = ", ".join(str(fact.event.get("step")) for fact in ends.values())
            looking.doubled.append(f"{list(ends.values())[-1].at}: {name} has {len(ends)} ends: {said}")
        elif not ends and facts.settled and (not told or _last(told) != "ambiguous"):
            looking.lost.append(f"{accepted.at}: {name} has no end; its last step is {_last(told) or 'missing'}")
        _in_order(looking, name, told)


def _last(told: Sequence[Fact]) -> str:
    return next(
        (str(fact.event.get("step")) for fact in reversed(told) if fact.event.get("step") not in _BESIDE | {"message"}),
        "",
    )


def _in_order(looking: Looking, name: Identity, told: Sequence[Fact]) -> None:
    """An end is marked as one. After it comes nothing but how the message ended, and answers to what came too late."""
    over, seen = False, set[str]()
    for fact in told:
        # What is told again under its id is nothing new.
        if fact.id in seen:
            continue
        seen.add(fact.id)
        step = fact.event.get("step")
        if fact.event.get("terminal") is not (step in _ENDS):
            looking.wrong.append(f"{fact.at}: {name} is {step}, and terminal says {fact.event.get('terminal')}")
        if over and step not in _ENDS | _BESIDE | {"message"}:
            looking.wrong.append(f"{fact.at}: {name} is {step} after its end")
        if step == "message" and not over:
            looking.wrong.append(f"{fact.at}: {name} is told how its message ended before its own end")
        over = over or step in _ENDS


def _whose(looking: Looking, facts: Facts, steps: Mapping[Identity, Sequence[Fact]]) -> None:
    """Nobody is told of a command that nobody gave."""
    if not facts.settled or not facts.whole(ACCEPTED):
        return
    known = _identities(facts)
    canceled = {
        identity(fact.event) for fact in facts.sound(ACCEPTED) if fact.event.get("event_type") == "cancel_accepted"
    }
    for name, told in steps.items():
        if name in canceled and {fact.event.get("step") for fact in told} == {"cancel_remembered"}:
            continue
        if name not in known:
            looking.wrong.append(f"{told[0].at}: {name} was never accepted, and is {told[0].event.get('step')}")


def _identities(facts: Facts) -> Mapping[Identity, Fact]:
    """Accepted commands that call Twilio, each by the first time."""
    found: dict[Identity, Fact] = {}
    for fact in facts.sound(ACCEPTED):
        if fact.event.get("event_type") in CALLED:
            found.setdefault(identity(fact.event), fact)
    return found
