"""No freeform WhatsApp outside its window (README), and nothing by Messenger: a Twilio that enforces windows never has
to end one with 63016."""

from services.checker.facts import Facts
from services.checker.finding import Looking

_OUTSIDE_WINDOW = 63016


def look(facts: Facts) -> Looking:
    """Every free text by WhatsApp and all by Messenger that was created, where Twilio looks at windows at all."""
    looking = Looking()
    if facts.witness is None or not facts.witness.windows_enforced:
        looking.unchecked = "Twilio looked at no windows"
        return looking
    for one in facts.created:
        windowed = one.to.startswith("messenger:") or (one.to.startswith("whatsapp:") and not one.template)
        if one.command_id and windowed:
            looking.checked += 1
            if one.code == _OUTSIDE_WINDOW:
                looking.wrong.append(f"{one.sid}: command {one.command_id!r} of {one.tenant} came too late, 63016")
    return looking
