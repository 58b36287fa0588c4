"""Which facts are lacking, purely: both ends given, the difference is what is injected."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cli.backfill.lacking import Held, Lacking, Listed, lacking
from services.contract.codec import decode, encode
from services.contract.topics import topic_of
from services.domain.consent.keywords import Words
from services.domain.contact import contact_key
from services.domain.messages.delivery import RANK
from services.domain.messages.events import InboundReceived, StatusReceived

from .rig import ACME, AT, GLOBEX, NOW, PERSON, SECRET, SENDER, heard, held, listed


def find(message: Listed, log: Held) -> Lacking | None:
    found = lacking(ACME, [message], log, NOW)
    assert len(found) <= 1
    return found[0] if found else None


@pytest.mark.parametrize(
    ("at_twilio", "on_the_log", "before"),
    [
        ("delivered", [], None),
        ("delivered", ["sent"], "sent"),
        ("delivered", ["queued", "sent", "sending"], "sent"),
        ("failed", ["queued"], "queued"),
        ("read", ["delivered"], "delivered"),
        ("delivered", ["undelivered"], "undelivered"),
        ("queued", [], None),
        ("newly_invented", [], None),
        ("queued", ["newly_invented"], "newly_invented"),
    ],
)
def test_a_status_further_than_the_logs_is_lacking(at_twilio: str, on_the_log: list[str], before: str | None) -> None:
    found = find(listed(status=at_twilio), held(*(("SM1", status) for status in on_the_log)))
    assert found is not None
    assert (found.kind, found.before) == ("status", before)
    assert isinstance(found.event, StatusReceived)
    assert found.event.message_status == at_twilio


@pytest.mark.parametrize(
    ("at_twilio", "on_the_log"),
    [
        ("delivered", ["delivered"]),
        ("delivered", ["read"]),
        ("undelivered", ["delivered"]),
        ("sent", ["delivered", "sent"]),
        ("newly_invented", ["queued"]),
        ("newly_invented", ["another_invention"]),
        ("", []),
    ],
)
def test_a_status_no_further_than_the_logs_is_not(at_twilio: str, on_the_log: list[str]) -> None:
    assert find(listed(status=at_twilio), held(*(("SM1", status) for status in on_the_log))) is None


def test_a_status_says_where_it_is_from() -> None:
    message = listed(
        status="undelivered", error_code=30003, error_message="gone", messaging_service_sid="MG1", num_segments="2"
    )
    found = find(message, held(("SM1", "sent")))
    assert found is not None
    assert isinstance(found.event, StatusReceived)
    assert found.event == StatusReceived(
        event_id=found.event.event_id,
        tenant="acme",
        received_at=NOW,
        contact=contact_key("acme", PERSON, SECRET),
        command_id=None,
        account_sid="AC1",
        message_sid="SM1",
        message_status="undelivered",
        error_code=30003,
        from_=SENDER,
        to=PERSON,
        provenance="backfill",
        raw={
            "MessageSid": "SM1", "AccountSid": "AC1", "From": SENDER, "To": PERSON, "MessagingServiceSid": "MG1",
            "MessageStatus": "undelivered", "ErrorCode": "30003", "ErrorMessage": "gone",
        },
    )  # fmt: skip


def test_a_message_to_us_that_nobody_told_is_lacking() -> None:
    found = find(listed("MM1", inbound=True, body="a photo", num_media=1, num_segments="1"), held(heard("SM2")))
    assert found is not None
    assert found.kind == "inbound"
    assert found.event == InboundReceived(
        event_id=found.event.event_id,
        tenant="acme",
        received_at=NOW,
        contact=contact_key("acme", PERSON, SECRET),
        account_sid="AC1",
        message_sid="MM1",
        from_=PERSON,
        to=SENDER,
        body="a photo",
        num_media=1,
        sent_at=AT,
        provenance="backfill",
        raw={
            "MessageSid": "MM1", "AccountSid": "AC1", "From": PERSON, "To": SENDER, "Body": "a photo",
            "NumMedia": "1", "NumSegments": "1",
        },
    )  # fmt: skip


@pytest.mark.parametrize(
    ("fact", "needs_date"),
    [
        (heard(body="STOP"), True),
        (heard(body=" Stop all! "), True),
        (heard(body="start"), True),
        (heard(body="yes"), True),
        (heard(body="yes", from_=f"whatsapp:{PERSON}"), False),
        (heard(body="subscribe", from_=f"whatsapp:{PERSON}"), True),
        (heard(body="genug", raw={"OptOutType": "STOP"}), True),
        (heard(body="genug"), False),
        (heard(body="stop that noise please"), False),
        (heard(body="STOP", sent_at=AT), False),
    ],
)
def test_what_the_log_heard_of_consent_needs_twilios_date(fact: InboundReceived, needs_date: bool) -> None:
    # Twilio may have forgotten the text; what counts is what the webhook told.
    found = find(listed(inbound=True, body=""), held(fact))
    assert (found is not None) == needs_date
    if found:
        assert found.kind == "date"
        assert isinstance(found.event, InboundReceived)
        assert found.event.sent_at == AT
        assert found.event.provenance == "backfill"
        assert found.event.event_id != fact.event_id
        fixed = {"sent_at": None, "provenance": "webhook", "event_id": fact.event_id}
        assert msgspec.structs.replace(found.event, **fixed) == fact


def test_a_tenants_own_words_count() -> None:
    asker = ACME._replace(words=Words(stop=frozenset({"genug"})))
    log = held(heard(body="Genug!"), asker=asker)
    assert [one.kind for one in lacking(asker, [listed(inbound=True)], log, NOW)] == ["date"]


def test_tenants_are_apart() -> None:
    log = held(heard(tenant="globex"), heard(body="STOP"))
    log.tell("globex", "SM2", "delivered")
    assert [one.kind for one in lacking(ACME, [listed("SM2"), listed("SM3", inbound=True)], log, NOW)] == [
        "status",
        "inbound",
    ]
    [ours], [theirs] = (lacking(asker, [listed()], Held(asker), NOW) for asker in (ACME, GLOBEX))
    assert ours.event.event_id != theirs.event.event_id
    assert topic_of(ours.event).key(ours.event) == topic_of(theirs.event).key(theirs.event) == "SM1"


SIDS = st.sampled_from([f"SM{number}" for number in range(6)])
STATUSES = st.sampled_from([*RANK, "newly_invented"])
OURS = st.builds(lambda sid, status: listed(f"{sid}o", status), SIDS, STATUSES)
TO_US = st.builds(lambda sid, body: listed(sid, inbound=True, body=body), SIDS, st.sampled_from(["hi", "STOP", "yes"]))
HEARD = st.builds(
    lambda sid, body, sent_at: heard(sid, body, sent_at=sent_at),
    SIDS,
    st.sampled_from(["hi", "STOP", "yes"]),
    st.sampled_from([None, AT]),
)
TOLD = st.tuples(SIDS.map("{}o".format), STATUSES)


@given(st.lists(OURS | TO_US), st.lists(HEARD | TOLD))
def test_once_injected_nothing_is_lacking_and_ids_are_the_same_every_time(
    messages: list[Listed], facts: list[InboundReceived | tuple[str, str]]
) -> None:
    found = lacking(ACME, messages, held(*facts), NOW)
    again = lacking(ACME, messages, held(*facts), "2026-11-22T00:00:00.000Z")
    assert [one.event.event_id for one in found] == [one.event.event_id for one in again]
    assert len({one.event.event_id for one in found}) == len(found)

    log = held(*facts)
    for one in found:
        fact = decode(encode(one.event), type(one.event))
        assert fact == one.event
        if isinstance(fact, InboundReceived):
            log.hear(fact)
        else:
            log.tell(fact.tenant, fact.message_sid, fact.message_status)
    assert lacking(ACME, messages, log, NOW) == []


@given(st.lists(OURS | TO_US), st.lists(HEARD | TOLD), st.randoms(use_true_random=False))
def test_neither_order_nor_repetition_on_the_log_matters(
    messages: list[Listed], facts: list[InboundReceived | tuple[str, str]], random: "st.random.Random"
) -> None:
    shuffled = facts + facts[: len(facts) // 2]
    random.shuffle(shuffled)
    kinds = [(one.kind, one.event.message_sid) for one in lacking(ACME, messages, held(*facts), NOW)]
    assert [(one.kind, one.event.message_sid) for one in lacking(ACME, messages, held(*shuffled), NOW)] == kinds
