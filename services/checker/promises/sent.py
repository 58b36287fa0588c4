"""What was sent is told as a message too (README, "Topics": `twilio.sent.v1` holds what we created at Twilio)."""

from services.checker.commands import Identity, identity
from services.checker.facts import Facts
from services.checker.finding import Looking
from services.checker.topics import RESULTS, SENT


def look(facts: Facts) -> Looking:
    """Each `sent` result has its message on `twilio.sent.v1`, and each message there its result."""
    looking = Looking()
    messages: dict[tuple[Identity, str], str] = {}
    for fact in facts.sound(SENT):
        messages.setdefault((identity(fact.event), fact.text("message_sid")), fact.at)
    results: dict[tuple[Identity, str], str] = {}
    for fact in facts.sound(RESULTS):
        # What was started in Studio is no message.
        if fact.event.get("step") == "sent" and not fact.event.get("execution_sid"):
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
