"""What was sent is told as a message too (README, "Topics": `twilio.sent.v1` holds what we created at Twilio)."""

from services.checker.commands import Identity, created_messages, identity
from services.checker.facts import Facts
from services.checker.finding import Looking
from services.checker.topics import SENT


def look(facts: Facts) -> Looking:
    """Each `sent` result has its message on `twilio.sent.v1`, and each message there its result."""
    looking = Looking()
    messages: dict[tuple[Identity, str], str] = {}
    for fact in facts.sound(SENT):
        messages.setdefault((identity(fact.event), fact.text("message_sid")), fact.at)
    results: dict[tuple[Identity, str], str] = {}
    for fact in created_messages(facts):
        results.setdefault((identity(fact.event), fact.text("message_sid")), fact.at)
    looking.checked = len(results)
    for (name, sid), at in results.items():
        # Both stand in one transaction, but whoever reads topic after topic may come in between.
        if (name, sid) not in messages and facts.settled:
            looking.lost.append(f"{at}: {name} is sent as {sid}, which is not on {SENT}")
    for (name, sid), at in messages.items():
        if (name, sid) not in results and facts.settled:
            looking.wrong.append(f"{at}: {sid} is told for {name}, whose result does not say so")
    return looking
