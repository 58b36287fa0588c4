"""`switchboard backfill` as a person runs it: what webhooks lost is found, injected, and then no longer lacking."""

import pytest

from services.contract.codec import encode
from services.contract.messages import SENT
from services.contract.topics import EVENTS
from services.domain.contact import contact_key
from services.domain.messages.events import InboundReceived, MessageSent, StatusReceived
from tests.kafka_records import produce
from tests.processes import ACCOUNT, SECRETS

from .house import OTHER, PERSON, SENDER, House, Twilio, ago, backfill, injected, on_the_log

pytestmark = pytest.mark.timeout(240)


async def test_what_webhooks_lost_is_found_injected_and_then_no_longer_lacking(house: House, twilio: Twilio) -> None:
    lost = await twilio.hear("hello, anybody?", lost=True)
    undated = await twilio.hear("STOP")
    await twilio.hear("hello, thanks")
    # Twilio would block what comes after a STOP alone. It confirms both by itself, and tells nobody how that went.
    await twilio.hear("START")
    delivered = await twilio.send(lost=True, account=ACCOUNT)
    undelivered = await twilio.send(callback_lost=1.0, undelivered=1.0)
    await twilio.send()
    elsewhere = await twilio.send(lost=True, account=OTHER)
    before, of_others = len(await on_the_log(house, *EVENTS)), await injected(house)

    async def ours() -> dict[str, InboundReceived | StatusReceived]:
        return {sid: fact for sid, fact in (await injected(house)).items() if sid not in of_others}

    dry = await backfill(house, "--tenant", "acme")
    assert "9 messages at Twilio" in dry
    assert "lacks 1 inbound message, 2 dates of STOPs and STARTs, 4 statuses (delivered 3, undelivered 1)." in dry
    assert "Nothing was written" in dry
    assert "+1415•••••23 → +1415•••••00" in dry
    assert lost in dry
    assert elsewhere not in dry
    assert len(await on_the_log(house, *EVENTS)) == before

    applied = await backfill(house, "--tenant", "acme", "--apply")
    assert "7 facts were injected" in applied
    facts = await ours()
    assert len(facts) == 7
    assert len(await on_the_log(house, *EVENTS)) == before + 7, "facts alone, and no command"
    inbound, dated = facts[lost], facts[undated]
    assert isinstance(inbound, InboundReceived)
    assert isinstance(dated, InboundReceived)
    secret = SECRETS["TEST_CONTACT_SECRET"].encode()
    assert inbound.contact == contact_key("acme", PERSON, secret) == dated.contact
    assert (inbound.body, inbound.raw["Body"]) == ("hello, anybody?", "hello, anybody?")
    assert dated.sent_at is not None
    assert inbound.sent_at is not None
    assert dated.sent_at <= dated.received_at
    assert inbound.sent_at <= inbound.received_at
    assert dated.raw["FromCountry"] == "US", "all that the webhook told"
    for sid, status in ((delivered, "delivered"), (undelivered, "undelivered")):
        fact = facts[sid]
        assert isinstance(fact, StatusReceived)
        assert (fact.message_status, fact.error_code in (30003, 30005)) == (status, sid == undelivered)

    assert "lacks nothing" in await backfill(house, "--tenant", "acme")
    assert "lacks nothing" in await backfill(house, "--tenant", "acme", "--apply")
    assert len(await ours()) == 7

    theirs = await backfill(house, "--tenant", "globex", "--apply")
    assert "lacks 1 status (delivered 1)" in theirs
    assert (await ours())[elsewhere].tenant == "globex"


async def test_only_the_window_is_asked_about(house: House, twilio: Twilio) -> None:
    await twilio.send(lost=True)
    past = await backfill(house, "--tenant", "acme", "--until", ago(3600))
    assert "0 messages at Twilio. The log lacks nothing." in past
    now = await backfill(house, "--tenant", "acme", "--since", ago(3600))
    assert "1 messages at Twilio. The log lacks 1 status (delivered 1)." in now


async def test_a_message_that_was_never_sent_is_asked_for_by_its_id(house: House, twilio: Twilio) -> None:
    """Twilio's list by date of sending leaves it out; that we made it, the log knows."""
    await twilio.hear("hello")
    sid = await twilio.send(lost=True, callback_delay_s=0.01)
    taken = MessageSent(
        event_id="1", tenant="acme", sent_at=ago(60), contact="acme|1", command_id="order-1", account_sid=ACCOUNT,
        message_sid=sid, message_status="queued", from_=SENDER, to=PERSON,
    )  # fmt: skip
    await produce(house.bootstrap, SENT.name, [(sid.encode(), encode(taken))])
    said = await backfill(house, "--tenant", "acme", "--since", ago(120), "--until", ago(30))
    assert "1 messages at Twilio. The log lacks 1 status (delivered 1)." in said
    assert "queued → delivered" in said


async def test_what_is_redacted_is_told_to_a_person_and_injected_for_nobody(house: House, twilio: Twilio) -> None:
    # Sent first: Twilio would block it after the STOP.
    sent = await twilio.send(lost=True)
    lost = await twilio.hear("STOP", lost=True)
    await twilio.redact(ACCOUNT)
    said = await backfill(house, "--tenant", "acme", "--apply")
    assert "redacted and cannot be attributed" in said
    assert "may have been a STOP" in said
    assert lost in said
    facts = await injected(house)
    assert lost not in facts
    status = facts[sent]
    assert isinstance(status, StatusReceived)
    assert (status.contact, status.to, status.message_status) == (None, "", "delivered")


async def test_many_are_counted_and_a_few_shown(house: House, twilio: Twilio) -> None:
    for _ in range(14):
        await twilio.hear("hello", lost=True)
    said = await backfill(house, "--tenant", "acme")
    assert "lacks 14 inbound messages." in said
    assert "and 4 more" in said
