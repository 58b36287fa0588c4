"""No freeform WhatsApp outside its window (README): a Twilio that enforces windows never has to end one with 63016."""

from services.checker.facts import Facts
from services.checker.finding import Looking

_OUTSIDE_WINDOW = 63016


def look(facts: Facts) -> Looking:
    """Every free text that was created by WhatsApp, where Twilio looks at windows at all."""
    looking = Looking()
    if facts.witness is None or not facts.witness.windows_enforced:
        looking.unchecked = "Twilio looked at no windows"
        return looking
    for one in facts.created:
        if one.command_id and one.to.startswith("whatsapp:") and not one.template:
            looking.checked += 1
            if one.code == _OUTSIDE_WINDOW:
                looking.wrong.append(f"{one.sid}: command {one.command_id!r} of {one.tenant} came too late, 63016")
    return looking
