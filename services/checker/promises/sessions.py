"""WhatsApp windows: 24 hours from the last message, told as they are (README, "Topics": `twilio.sessions.v1`).

Twilio's 63016 is the better witness: the window was closed when that message was made, until they wrote again.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from services.checker.consent import moment
from services.checker.facts import UNSETTLED, Fact, Facts
from services.checker.finding import Looking
from services.checker.topics import INBOUND, OUTCOMES, SENT, SESSIONS, STATUS

_DAY = timedelta(hours=24)
# More than that are not remembered.
_MOST_SENDERS = 64
_OUTSIDE_WINDOW = 63016
_ARRIVED = frozenset({"delivered", "read"})


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
    wrote, late = _wrote(facts), _came_too_late(facts)
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
        closed = {
            sender for sender, until in windows.items() if late.get((contact, sender), "") >= _a_day_before(until)
        }
        _compare(looking, told, windows, {sender: until for sender, until in left.items() if sender not in closed})
        if isinstance(found := told.event.get("windows"), dict) and closed & found.keys():
            looking.wrong.append(f"{told.at}: a window is open that 63016 has shown to be closed")
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
        if fact.text("from").startswith(("whatsapp:", "messenger:")):
            until = moment(fact.text("sent_at") or fact.text("received_at")) + _DAY
            text = _text(until)
            windows = found[fact.text("contact")]
            windows[fact.text("to")] = max(windows.get(fact.text("to"), text), text)
    return found


def _a_day_before(until: str) -> str:
    return _text(moment(until) - _DAY)


def _text(when: datetime) -> str:
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _came_too_late(facts: Facts) -> Mapping[tuple[str, str], str]:
    """Contact and sender of ours → when the latest message was made that ended with 63016, as far as facts tell."""
    made: dict[str, str] = {}
    ended: dict[str, tuple[str, str]] = {}
    arrived: set[str] = set()
    for fact in (*facts.sound(STATUS), *facts.sound(SENT)):
        sid, told_at = fact.text("message_sid"), fact.text("received_at") or fact.text("sent_at")
        made[sid] = min(told_at, made.get(sid, told_at))
        if fact.event.get("error_code") == _OUTSIDE_WINDOW and fact.text("contact"):
            ended[sid] = fact.text("contact"), fact.text("from")
        if fact.text("message_status") in _ARRIVED:
            arrived.add(sid)
    late: dict[tuple[str, str], str] = {}
    for sid, name in ended.items():
        if sid not in arrived:
            late[name] = max(made[sid], late.get(name, ""))
    # One that was refused at once was never a message.
    for fact in facts.sound(OUTCOMES):
        if fact.event.get("error_code") == _OUTSIDE_WINDOW and not fact.text("message_sid"):
            name = fact.text("contact"), fact.text("sender")
            late[name] = max(fact.text("at"), late.get(name, ""))
    return late
