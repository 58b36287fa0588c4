"""No one's clock but ours decides: when a public record counts from, whatever it says of its time."""

from itertools import permutations
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.checker.consent import best, released
from services.checker.consent import consent as said_by
from services.checker.facts import Facts
from services.checker.history import Entry, History
from services.contract.codec import encode
from services.contract.consent import CONSENT_COMMANDS
from services.contract.messages import MESSAGES
from services.contract.topics import topic_of
from services.domain.clock import iso, later
from services.domain.consent.commands import ConsentAccepted
from services.domain.consent.hearing import Heard
from services.domain.consent.standing import suppressed
from services.domain.messages.commands import CommandAccepted
from services.domain.messages.consent import Suppressing
from services.domain.messages.events import InboundReceived
from services.domain.messages.intake import Rules
from services.runtime.folding.fold import Record
from services.sender import requests
from services.sender.intake import Intake
from services.sender.moments import Moment, moment_of
from tests.sender.reading import read_consent, read_message

NOW_MS = 1_800_000_000_000
MINUTE, HOUR, YEAR = 60_000, 3_600_000, 365 * 86_400_000
PERSON, OURS = "+14155550123", "+14155550100"
RULES = {"acme": Rules(contact_secret=b"secret", lifetime=86_400.0)}
_LIES = (-NOW_MS, -YEAR, -2 * HOUR, -61_000, -59_000, 0, 1, 58 * MINUTE, YEAR)


@pytest.fixture
def read_at(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The clock of intake, in milliseconds: set it."""
    clock = [NOW_MS]
    monkeypatch.setattr(requests, "now", lambda: iso(clock[0]))
    return clock


def record(topic: str, fields: dict[str, Any], timestamp: int, **other: Any) -> Record:
    return Record(
        topic,
        0,
        3,
        timestamp,
        b"key",
        msgspec.json.encode(fields),
        other.get("headers", []),
        other.get("by_broker", False),
    )


def consent(action: str, timestamp: int, **fields: Any) -> ConsentAccepted:
    other = {name: fields.pop(name) for name in ("headers", "by_broker") if name in fields}
    command = {
        "command_id": f"form {action}".replace(" ", "-"),
        "tenant": "acme",
        "address": PERSON,
        "sender": OURS,
        "action": action,
    }
    asked = read_consent(record(CONSENT_COMMANDS.name, command | fields, timestamp, **other))
    accepted = Intake(RULES)(None, asked)[1][0]
    assert isinstance(accepted, ConsentAccepted), accepted
    return accepted


def wrote(says: str, at_ms: int, contact: str) -> InboundReceived:
    word, yes = says.upper(), says == "start"
    heard = Heard(says="start" if yes else "stop", by="body", word=says, consents=yes, releases=yes)
    return InboundReceived(
        event_id=f"webhook {word} {at_ms}", tenant="acme", received_at=iso(at_ms), contact=contact, account_sid="AC1",
        message_sid=f"SM{word}", from_=PERSON, to=OURS, body=word, num_media=0,
        heard=heard, raw={},
    )  # fmt: skip


def is_stopped(facts: list[Any]) -> bool:
    """What the fold says, in every order, and what the checker says, which shares no code with it."""
    answers = set()
    for order in permutations(facts):
        state = None
        for fact in order:
            state, _ = Suppressing({})(state, fact)
        answers.add(bool(suppressed(state)))
    entries = [Entry(topic_of(one).name, 0, place, NOW_MS, b"k", encode(one), ()) for place, one in enumerate(facts)]
    said = best(said_by(Facts(History(entries, None, at_rest=True))).said[facts[0].contact])
    yeses = [one for one in said if one.action == "opt_in"]
    answers.add(any(not released(no, yeses) for no in said if no.action == "opt_out"))
    [answer] = answers
    return answer


def test_a_yes_that_is_dated_ahead_does_not_outlast_a_stop_that_comes_after_it(read_at: list[int]) -> None:
    yes = consent("opt_in", NOW_MS + 58 * MINUTE, given_at=iso(NOW_MS + 58 * MINUTE))
    assert is_stopped([yes, wrote("stop", NOW_MS + 5 * MINUTE, yes.contact)])


@pytest.mark.parametrize("lie", _LIES)
@pytest.mark.parametrize("given", [None, *_LIES])
def test_whatever_a_no_says_of_its_time_it_holds_against_all_that_came_before(
    read_at: list[int], lie: int, given: int | None
) -> None:
    stated = {} if given is None else {"given_at": iso(NOW_MS + given)}
    no = consent("opt_out", NOW_MS + lie, **stated)
    assert is_stopped([wrote("start", NOW_MS, no.contact), no])
    assert is_stopped([wrote("start", NOW_MS - HOUR, no.contact), no])


@pytest.mark.parametrize("lie", _LIES)
@pytest.mark.parametrize("given", [None, *_LIES])
def test_whatever_a_yes_says_of_its_time_it_lifts_no_stop_that_comes_later(
    read_at: list[int], lie: int, given: int | None
) -> None:
    stated = {} if given is None else {"given_at": iso(NOW_MS + given)}
    yes = consent("opt_in", NOW_MS + lie, **stated)
    assert is_stopped([yes, wrote("stop", NOW_MS + 1, yes.contact)])


def test_a_yes_that_was_given_before_a_stop_and_is_told_after_it_lifts_nothing(read_at: list[int]) -> None:
    backfilled = consent("opt_in", NOW_MS, by_broker=True, given_at=iso(NOW_MS - YEAR))
    assert is_stopped([wrote("stop", NOW_MS - HOUR, backfilled.contact), backfilled])
    honest = consent("opt_in", NOW_MS, by_broker=True)
    assert not is_stopped([wrote("stop", NOW_MS - HOUR, honest.contact), honest])


def test_a_no_that_is_produced_again_does_not_undo_the_yes_that_came_between(read_at: list[int]) -> None:
    """An import that is run a second time records nothing twice."""
    first = consent("opt_out", NOW_MS, by_broker=True, given_at=iso(NOW_MS - YEAR))
    start = wrote("start", NOW_MS + HOUR, first.contact)
    again = consent("opt_out", NOW_MS + 2 * HOUR, by_broker=True, given_at=iso(NOW_MS - YEAR))
    assert not is_stopped([first, start, again])
    assert is_stopped([first, start, consent("opt_out", NOW_MS + 2 * HOUR, by_broker=True)]), "said anew it counts"


def test_the_brokers_time_is_taken_as_it_is(read_at: list[int]) -> None:
    old = iso(NOW_MS - 3 * HOUR)
    assert moment_of(record("t", {}, NOW_MS - 3 * HOUR, by_broker=True), iso(NOW_MS)) == Moment(old, old)


@given(st.integers(-(2**62), 2**62), st.integers(-(2**62), 2**62))
def test_a_producers_time_is_bounded_on_both_sides(timestamp: int, said: int) -> None:
    read = iso(NOW_MS)
    at, since = moment_of(record("t", {}, timestamp, headers=[("produced-ms", b"%d" % said)]), read)
    assert later(read, -60) <= at <= read
    assert since <= at


def test_a_retried_letter_is_no_younger_and_no_earlier_in_its_order(read_at: list[int]) -> None:
    headers = [("produced-ms", b"%d" % (NOW_MS - 3 * HOUR))]
    asked = {"command_id": "c", "tenant": "acme", "to": PERSON, "from": OURS, "body": "x"}
    sent = Intake(RULES)(None, read_message(record(MESSAGES.name, asked, NOW_MS, headers=headers, by_broker=True)))[1][
        0
    ]
    assert isinstance(sent, CommandAccepted)
    assert (sent.accepted_at, sent.not_after) == (iso(NOW_MS), iso(NOW_MS + 21 * HOUR))
    yes = consent("opt_in", NOW_MS, by_broker=True, headers=headers)
    assert is_stopped([wrote("stop", NOW_MS - HOUR, yes.contact), yes])
    no = consent("opt_out", NOW_MS, by_broker=True, headers=headers)
    assert is_stopped([wrote("start", NOW_MS - HOUR, no.contact), no])


@pytest.mark.parametrize("lie", _LIES)
def test_a_send_lives_and_waits_by_our_clock(read_at: list[int], lie: int) -> None:
    asked = {"command_id": "c", "tenant": "acme", "to": PERSON, "from": OURS, "body": "x"}
    sent = Intake(RULES)(None, read_message(record(MESSAGES.name, asked, NOW_MS + lie)))[1][0]
    assert isinstance(sent, CommandAccepted)
    assert sent.not_after <= iso(NOW_MS + 86_400_000), "nobody makes it live longer"
    assert sent.accepted_at >= iso(NOW_MS - MINUTE), "nor go before what was there"
    soon = read_message(record(MESSAGES.name, asked | {"not_before": iso(NOW_MS + HOUR)}, NOW_MS + lie))
    waits = Intake(RULES)(None, soon)[1][0]
    assert isinstance(waits, CommandAccepted)
    assert waits.not_before == iso(NOW_MS + HOUR), "nor skip its wait"
    far = read_message(record(MESSAGES.name, asked | {"not_before": iso(NOW_MS + 36 * 86_400_000)}, NOW_MS + lie))
    [refused] = Intake(RULES)(None, far)[1]
    assert "35 days ahead" in (getattr(refused, "reason", "") or "")
