"""Executions at Twilio, as far as promises are about creates and opt-outs: at most one per command, and none goes on
that a no has ended (docs, "Studio").

Twilio takes each create as a new one, and names no command. So what it has and no result names is looked for among the
commands whose end is not known, or of which a person said that nothing was started.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from services.checker.commands import Identity, identity
from services.checker.facts import Created, Fact, Facts
from services.checker.finding import Looking
from services.checker.topics import ACCEPTED, RESULTS, STUDIO


def accepted(facts: Facts) -> Mapping[Identity, Fact]:
    """The accepted commands that start executions, each by the first time."""
    found: dict[Identity, Fact] = {}
    for fact in facts.sound(ACCEPTED):
        if fact.event.get("event_type") == "execution_accepted":
            found.setdefault(identity(fact.event), fact)
    return found


def steps(facts: Facts) -> Mapping[Identity, Sequence[Fact]]:
    """The results of each command, as they stand."""
    found: defaultdict[Identity, list[Fact]] = defaultdict(list)
    for fact in facts.sound(RESULTS):
        found[identity(fact.event)].append(fact)
    return found


def started(facts: Facts) -> Sequence[Created]:
    """What commands started, as if it were a message: nobody knows what a flow writes, so it is a template too."""
    told = steps(facts)
    found = []
    for place, (name, command) in enumerate(accepted(facts).items()):
        sent = [one for one in told.get(name, ()) if one.event.get("step") == "sent" and one.text("execution_sid")]
        for one in sent[:1]:
            found.append(
                Created(
                    place=place,
                    sid=one.text("execution_sid"),
                    tenant=name.tenant,
                    contact=name.contact,
                    command_id=name.command_id,
                    at=one.text("at"),
                    to=command.text("to"),
                    sender=command.text("from"),
                    service=command.text("messaging_service_sid"),
                    template=True,
                    code=None,
                    statuses=(),
                )
            )
    return found


def started_once(looking: Looking, facts: Facts) -> None:
    """Each that a result names, and each that the API started at Twilio."""
    at_twilio = {str(one["sid"]): one for one in (facts.witness.executions if facts.witness else ())}
    named: dict[str, Identity] = {}
    for one in started(facts):
        looking.checked += 1
        name = Identity(one.tenant, one.contact, one.command_id)
        if (other := named.setdefault(one.sid, name)) != name:
            looking.doubled.append(f"{name} was sent as {one.sid}, and so was {other}")
        shown = at_twilio.get(one.sid)
        if shown is None and facts.settled:
            looking.wrong.append(f"{name} is sent as {one.sid}, and Twilio has no such execution")
        elif shown is not None and str(shown.get("to")) != one.to:
            looking.wrong.append(f"{name} is sent as {one.sid}, and somebody else is in that")
    _nobodys(looking, facts, named)


def _nobodys(looking: Looking, facts: Facts, named: dict[str, Identity]) -> None:
    """What the API started and no command did. Who is unknown may have started one for each attempt without an end."""
    if facts.witness is None or not facts.settled:
        return
    told = steps(facts)
    unknown = Counter[tuple[str, str]]()
    for name, command in accepted(facts).items():
        doubts = sum(one.event.get("step") == "ambiguous" for one in told.get(name, ()))
        unknown[command.text("to"), command.text("flow_sid")] += doubts
    for one in facts.witness.executions:
        if not one.get("by_api") or str(one["sid"]) in named:
            continue
        looking.checked += 1
        whose = str(one.get("to")), str(one.get("flow_sid"))
        unknown[whose] -= 1
        if unknown[whose] < 0:
            looking.doubled.append(f"Twilio has started {one['sid']}, and no command has")


def stopped(looking: Looking, facts: Facts) -> None:
    """Each that was ended for its contact: it is told once, and has ended."""
    known = {str(one["sid"]): one for one in (facts.witness.executions if facts.witness else ())}
    ids: dict[str, str] = {}
    for fact in facts.sound(STUDIO):
        if fact.event.get("event_type") != "execution_stopped":
            continue
        looking.checked += 1
        sid = fact.text("execution_sid")
        if ids.setdefault(sid, fact.at) != fact.at:
            looking.doubled.append(f"{fact.at}: that {sid} was ended is told at {ids[sid]} already")
        if facts.settled and sid in known and known[sid].get("status") == "active":
            looking.wrong.append(f"{fact.at}: {sid} was ended, and goes on at Twilio")
