"""Executions of flows, as the log tells of them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from services.checker.commands import Identity, identity
from services.checker.facts import Created, Fact, Facts
from services.checker.topics import ACCEPTED, RESULTS


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
