"""People: who opted out and in, what was answered to that, and when one could write freely by WhatsApp."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from services.contract.consent import CONSENT, SUPPRESSION
from services.contract.messages import SESSIONS
from services.demo import oracle_consent, oracle_windows
from services.demo.log import Entry, is_own
from services.demo.rows import Ends, Row, compare

# What Twilio ends free text with that comes too late.
_OUTSIDE_WINDOW = 63016


def rows(ends: Ends) -> Iterator[Row]:
    yield from _consent(ends)
    yield _windows(ends)
    yield _late(ends)


def _consent(ends: Ends) -> Iterator[Row]:
    said = oracle_consent.statements(ends.commands, ends.twilio.posted)
    events = {entry.event["event_id"]: entry for entry in ends.log.of(CONSENT)}
    found = Counter(_evidence(ends, entry) for entry in events.values())
    yield compare("opt-outs and opt-ins are in twilio.consent.v1, once", oracle_consent.evidence(said), found)
    standing = {_who(ends, entry): _suppressed(entry) for entry in ends.log.of(SUPPRESSION)}
    wanted = oracle_consent.suppressions(said)
    yield compare("… and twilio.suppression.v1 says what follows from them", wanted, standing)
    answered = Counter(f"{one.to} {one.body}" for one in ends.twilio.created if is_own(one.command_id))
    yield compare("… and we answered each by WhatsApp, once, none by SMS", oracle_consent.confirmations(said), answered)


def _evidence(ends: Ends, entry: Entry) -> str:
    event = entry.event
    return oracle_consent.told(_who(ends, entry), event["action"], event["source"], event["proof"] or "")


def _suppressed(entry: Entry) -> str:
    return oracle_consent.in_words({scope: one["source"] for scope, one in entry.event["suppressed"].items()})


def _windows(ends: Ends) -> Row:
    told: defaultdict[str, list[str]] = defaultdict(list)
    for entry in ends.log.of(SESSIONS):
        if entry.event["change"] != "extended":
            told[f"{_who(ends, entry)} at {entry.event['sender']}"].append(entry.event["change"])
    found = {pair: ", ".join(changes) for pair, changes in told.items()}
    wanted = oracle_windows.windows(ends.twilio.posted, ends.twilio.now)
    return compare("windows opened, were closing and expired, each told once", wanted, found)


def _late(ends: Ends) -> Row:
    late = {one.sid: str(one.error_code) for one in ends.twilio.created if one.error_code == _OUTSIDE_WINDOW}
    enforced = {"windows at Twilio": "enforced" if ends.twilio.windows_enforced else "off"}
    return compare(
        "no 63016: Twilio enforces windows, and saw none missed", {"windows at Twilio": "enforced"}, enforced | late
    )


def _who(ends: Ends, entry: Entry) -> str:
    contact = entry.event["contact"]
    return ends.people.get(contact, contact)
