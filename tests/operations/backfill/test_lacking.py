"""Which facts are lacking, purely: both ends given, the difference is what is injected."""

from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contract.codec import decode, encode
from services.contract.topics import topic_of
from services.domain.consent.hearing import Heard, Message, hear
from services.domain.consent.keywords import Words
from services.domain.contact import contact_key
from services.domain.messages.at_twilio import MessageAtTwilio
from services.domain.messages.events import InboundReceived, StatusReceived
from services.domain.messages.ladder import RANK
from services.operations.backfill.lacking import (
    Held,
    Lacking,
    lacking,
    says_no_or_yes,
    unattributed,
    unrecorded,
)

from .rig import ACME, AT, GLOBEX, NOW, PERSON, SECRET, SENDER, heard, held, listed


def find(message: MessageAtTwilio, log: Held) -> Lacking | None:
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
        (heard(body="yes", from_=f"whatsapp:{PERSON}", to=f"whatsapp:{SENDER}"), False),
        (heard(body="subscribe", from_=f"whatsapp:{PERSON}", to=f"whatsapp:{SENDER}"), True),
        (heard(body="help"), False),
        (heard(body="stop please"), False),
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
    words = Words(stop=frozenset({"genug"}))
    asker = ACME._replace(words=words)
    found = lacking(asker, [listed(inbound=True, body="Genug!")], held(asker=asker), NOW)
    assert isinstance(found[0].event, InboundReceived)
    assert found[0].event.heard == hear(Message(to=SENDER, body="genug"), words)


def test_what_a_message_meant_when_it_was_taken_is_what_it_means() -> None:
    log = held(heard(body="Genug!", words=Words(stop=frozenset({"genug"}))), heard("SM2", body="Basta"))
    asker = ACME._replace(words=Words(stop=frozenset({"basta"})))
    found = lacking(asker, [listed(inbound=True), listed("SM2", inbound=True)], log, NOW)
    assert [(one.kind, one.event.message_sid) for one in found] == [("date", "SM1")]


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
    messages: list[MessageAtTwilio], facts: list[InboundReceived | tuple[str, str]]
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
    messages: list[MessageAtTwilio], facts: list[InboundReceived | tuple[str, str]], random: Random
) -> None:
    shuffled = facts + facts[: len(facts) // 2]
    random.shuffle(shuffled)
    kinds = [(one.kind, one.event.message_sid) for one in lacking(ACME, messages, held(*facts), NOW)]
    assert [(one.kind, one.event.message_sid) for one in lacking(ACME, messages, held(*shuffled), NOW)] == kinds


MASKED = "+1415555XXXX"


@pytest.mark.parametrize("masked", [MASKED, f"whatsapp:{MASKED}", "+44770090XXXX", "+1415555****"])
def test_of_a_masked_address_nothing_is_derived(masked: str) -> None:
    inbound = listed("SM1", inbound=True, from_=masked)
    assert find(inbound, held()) is None
    assert unattributed([inbound, inbound], held()) == [inbound]
    assert unattributed([inbound], held(heard("SM1"))) == [], "its webhook told who it was"
    status = find(listed("SM2", to=masked), held())
    assert status is not None
    assert isinstance(status.event, StatusReceived)
    assert (status.event.contact, status.event.to, status.event.message_status) == (None, "", "delivered")


def test_a_date_joins_what_the_webhook_told_though_the_list_masks_it() -> None:
    log = held(heard("SM1", "STOP", heard=Heard(says="stop", by="body", word="stop")))
    found = find(listed("SM1", inbound=True, from_=MASKED, body=""), log)
    assert found is not None
    assert isinstance(found.event, InboundReceived)
    assert (found.kind, found.event.from_, found.event.sent_at) == ("date", PERSON, AT)


def test_a_text_that_is_gone_may_have_been_a_stop() -> None:
    for message, says in (
        (listed(inbound=True, body=""), "suspected"),
        (listed(inbound=True, body="", num_media=1), None),
        (listed(inbound=True, body="stop"), "stop"),
    ):
        found = find(message, held())
        assert found is not None
        assert isinstance(found.event, InboundReceived)
        assert (found.event.heard.says if found.event.heard else None) == says


def test_opt_outs_that_no_evidence_knows_of_are_lacking() -> None:
    said = [
        listed("SM1", inbound=True, body="STOP"),
        listed("SM2", inbound=True, body="start"),
        listed("SM3", status="failed", error_code=21610),
        listed("SM4", inbound=True, body="STOP"),
        listed("SM5", inbound=True, body="STOP", from_=MASKED),
        listed("SM6", inbound=True, body="see you at 7"),
        listed("SM7", status="undelivered", error_code=30003),
        listed("SM8", inbound=True, body=""),
    ]
    wanted = [one for one in said if says_no_or_yes(ACME, one)]
    assert [one.sid for one in wanted] == ["SM1", "SM2", "SM3", "SM4", "SM5", "SM8"]
    found = unrecorded(ACME, [*wanted, *wanted], {"SM4"}, NOW)
    assert [one.event.message_sid for one in found] == ["SM1", "SM2", "SM3", "SM8"]
    assert [type(one.event) for one in found] == [InboundReceived, InboundReceived, StatusReceived, InboundReceived]
    assert found == unrecorded(ACME, reversed(wanted), {"SM4"}, NOW), "in whatever order they are listed"
