"""WhatsApp windows: 24 hours from the last message, told as they are (README, "Topics": `twilio.sessions.v1`)."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from services.checker.consent import moment
from services.checker.facts import UNSETTLED, Fact, Facts
from services.checker.finding import Looking
from services.checker.topics import INBOUND, SESSIONS

_DAY = timedelta(hours=24)
# More than that are not remembered.
_MOST_SENDERS = 64


def look(facts: Facts) -> Looking:
    """The last value of each contact names the windows that its messages opened, without those that are over."""
    looking = Looking()
    if not facts.settled or not facts.whole(INBOUND):
        looking.unchecked = UNSETTLED
        return looking
    last = {fact.text("contact"): fact for fact in facts.of(SESSIONS)}
    over = {
        (fact.text("contact"), fact.text("sender"), fact.text("until"))
        for fact in facts.of(SESSIONS)
        if fact.event.get("change") == "expired"
    }
    wrote = _wrote(facts)
    for contact, windows in wrote.items():
        if len(windows) > _MOST_SENDERS:
            continue
        looking.checked += 1
        told = last.get(contact)
        if told is None:
            looking.lost.append(f"{contact}: it wrote by WhatsApp, and {SESSIONS} tells of no window")
            continue
        # By a clock that was set back something earlier may be told after a window was over.
        left = {sender: until for sender, until in windows.items() if (contact, sender, until) not in over}
        _compare(looking, told, windows, left)
    for contact, told in last.items():
        if contact not in wrote:
            looking.wrong.append(f"{told.at}: a window of {contact}, who never wrote by WhatsApp")
    return looking


def _compare(looking: Looking, told: Fact, windows: Mapping[str, str], left: Mapping[str, str]) -> None:
    found: Any = told.event.get("windows")
    found = found if isinstance(found, dict) else {}
    for sender, until in left.items():
        # What is not open any more was over when this was told.
        if sender not in found and moment(until) > moment(told.text("at")):
            looking.lost.append(f"{told.at}: the window until {until} is not among those that are open")
        elif sender in found and moment(found[sender]) != moment(until):
            looking.wrong.append(f"{told.at}: a window until {found[sender]}; it ends at {until}")
    if found.keys() - windows.keys():
        looking.wrong.append(f"{told.at}: a window at a sender to whom nobody wrote")


def _wrote(facts: Facts) -> Mapping[str, Mapping[str, str]]:
    """Contact → sender of ours → when its window ends."""
    found: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for fact in facts.sound(INBOUND):
        if fact.text("from").startswith("whatsapp:"):
            until = moment(fact.text("sent_at") or fact.text("received_at")) + _DAY
            text = until.isoformat(timespec="milliseconds").replace("+00:00", "Z")
            windows = found[fact.text("contact")]
            windows[fact.text("to")] = max(windows.get(fact.text("to"), text), text)
    return found
