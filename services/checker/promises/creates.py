"""At most one create per command, none for one that ended otherwise (README: "Nothing is sent twice").

What Twilio refused it did not create, so `failed` is such an end too. Where a person said `not sent`, it is their word.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from services.checker.commands import Identity, created_messages, identity, iso
from services.checker.executions import started_once
from services.checker.facts import Created, Fact, Facts
from services.checker.finding import Looking
from services.checker.topics import RESULTS, SENT

_WITHOUT = frozenset({"blocked", "expired", "failed"})
# Two clocks of one machine, and a moved one is read now and then.
_LEEWAY = timedelta(seconds=2)


def look(facts: Facts) -> Looking:
    """Each create at Twilio that names a command, and each result that names a message."""
    looking = Looking()
    created: defaultdict[Identity, list[Created]] = defaultdict(list)
    for one in facts.created:
        if one.command_id:
            created[Identity(one.tenant, one.contact, one.command_id)].append(one)
    steps: defaultdict[Identity, list[Fact]] = defaultdict(list)
    for fact in facts.sound(RESULTS):
        steps[identity(fact.event)].append(fact)
    # By how much a clock was moved, as far as the log shows it: within that nothing can be said of what was first.
    attempts = [fact for told in steps.values() for fact in told if fact.event.get("step") == "attempted"]
    leeway = _LEEWAY + max(map(_moved, attempts), default=timedelta())
    for name, messages in created.items():
        looking.checked += 1
        if len(messages) > 1:
            sids = ", ".join(one.sid for one in messages)
            looking.doubled.append(f"{name} was created {len(messages)} times at Twilio: {sids}")
        _end(looking, name, messages, steps.get(name, ()))
        if facts.settled:
            _attempt(looking, name, messages, steps.get(name, ()), leeway)
    if facts.settled:
        # Else Twilio may have been asked before, or after, the log was read.
        _named(looking, facts, created)
    started_once(looking, facts)
    return looking


def _end(looking: Looking, name: Identity, messages: Sequence[Created], told: Sequence[Fact]) -> None:
    for fact in told:
        step = fact.event.get("step")
        if step in _WITHOUT and fact.event.get("category") != "ambiguous":
            looking.wrong.append(f"{fact.at}: {name} is {step}, and Twilio created {messages[0].sid}")


def _attempt(
    looking: Looking, name: Identity, messages: Sequence[Created], told: Sequence[Fact], leeway: timedelta
) -> None:
    attempts = [fact for fact in told if fact.event.get("step") == "attempted"]
    if not attempts:
        looking.wrong.append(f"{name} was created as {messages[0].sid}, and no attempt is on the log")
        return
    first = min(attempts, key=lambda fact: fact.text("at"))
    if _moment(messages[0].at) + leeway < _moment(first.text("at")):
        looking.wrong.append(f"{first.at}: {name} was attempted after Twilio had created {messages[0].sid}")


def _named(looking: Looking, facts: Facts, created: Mapping[Identity, Sequence[Created]]) -> None:
    """Who says that a message was created names the one that was."""
    for fact in (*facts.sound(SENT), *created_messages(facts)):
        name, sid = identity(fact.event), fact.text("message_sid")
        if name not in created:
            looking.lost.append(
                f"{fact.at}: {name} is told to be sent as {sid or 'nothing'}, and Twilio created nothing"
            )
        elif sid not in [one.sid for one in created[name]]:
            looking.wrong.append(f"{fact.at}: {name} is told to be {sid}; Twilio created {created[name][0].sid}")


def _moved(fact: Fact) -> timedelta:
    return abs(_moment(fact.text("at")) - _moment(iso(fact.entry.timestamp)))


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
