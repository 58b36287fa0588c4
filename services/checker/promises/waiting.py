"""Nothing is tried before its `not_before`, nor while it is paused (docs/waiting.md)."""

from collections import defaultdict
from collections.abc import Mapping

from services.checker.commands import CALLED, Identity, identity
from services.checker.facts import Fact, Facts
from services.checker.finding import Looking
from services.checker.topics import ACCEPTED, RESULTS

_PAUSES = ("pause_placed", "pause_ended")


def look(facts: Facts) -> Looking:
    """Of each attempt: what its command asked for, and what stood where the gate had read up to on its partition."""
    looking = Looking()
    accepted = _accepted(facts)
    pauses: defaultdict[int, list[Fact]] = defaultdict(list)
    taken = {(identity(one.event), one.text("at")) for one in facts.sound(RESULTS) if one.text("step") == "rescheduled"}
    moved: defaultdict[Identity, list[Fact]] = defaultdict(list)
    for fact in facts.sound(ACCEPTED):
        wish = fact.event.get("event_type") == "reschedule_accepted"
        if wish and (identity(fact.event), fact.text("accepted_at")) in taken:
            moved[identity(fact.event)].append(fact)
        if fact.event.get("event_type") in _PAUSES:
            pauses[fact.entry.partition].append(fact)
    for told in facts.sound(RESULTS):
        command = accepted.get(identity(told.event))
        if told.event.get("step") != "attempted" or command is None:
            continue
        looking.checked += 1
        read = _read_up_to(told)
        # The last word that was known when it was decided.
        said = [command, *(one for one in moved[identity(told.event)] if one.entry.offset < read)][-1]
        if told.text("at") < (not_before := said.text("not_before")):
            looking.wrong.append(f"{told.at}: {identity(told.event)} was tried before {not_before}")
        scopes = _scopes(command)
        standing: dict[str, Fact] = {}
        for fact in pauses[command.entry.partition]:
            if fact.entry.offset < read and fact.text("scope") in scopes:
                standing.pop(fact.text("scope"), None)
                if fact.event["event_type"] == "pause_placed":
                    standing[fact.text("scope")] = fact
        for fact in standing.values():
            # Twilio's own word on an account may be older than somebody's that all is well.
            if fact.event.get("cause") is None:
                looking.wrong.append(f"{told.at}: {identity(told.event)} was tried under the pause of {fact.at}")
    return looking


def _accepted(facts: Facts) -> Mapping[Identity, Fact]:
    """Accepted commands that call Twilio, each by the first time."""
    found: dict[Identity, Fact] = {}
    for fact in facts.sound(ACCEPTED):
        if fact.event.get("event_type") in CALLED:
            found.setdefault(identity(fact.event), fact)
    return found


def _read_up_to(told: Fact) -> int:
    """The offset of the accepted commands below which all was known when it was decided."""
    receipt = told.event.get("receipt")
    offsets = receipt.get("offsets") if isinstance(receipt, dict) else None
    read = offsets.get(ACCEPTED) if isinstance(offsets, dict) else None
    return read if isinstance(read, int) else 0


def _scopes(command: Fact) -> frozenset[str]:
    tenant = command.text("tenant")
    sender = command.text("messaging_service_sid") or command.text("from")
    scopes = ["everything", f"tenant {tenant}", f"sender {tenant} {sender}"]
    if fallback := command.text("fallback_from"):
        scopes.append(f"sender {tenant} {fallback}")
    return frozenset([*scopes, f"label {tenant} {label}"] if (label := command.text("label")) else scopes)
