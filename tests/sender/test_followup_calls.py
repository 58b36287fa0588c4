"""The calls of commands about messages, without Kafka: whose message it is, whether it has ended, what comes next."""

import json
from typing import Any, cast

import pytest
from pydantic import SecretStr

from services.domain.contact import contact_key
from services.domain.followups.commands import FollowUpAccepted
from services.domain.followups.effects import FollowedUp
from services.domain.outbox.facts import Unknown
from services.runtime.catalogues import Catalogues
from services.runtime.config import Settings
from services.runtime.registries import Registries
from services.runtime.sections.kafka import KafkaSettings
from services.runtime.tenants.files import Found, Refused, Said
from services.runtime.tenants.live import Tenants
from services.runtime.tenants.settings import TenantSettings
from services.sender.account import AccountAt
from services.sender.faults import Faults
from services.sender.followups.calls import follow_up
from services.sender.followups.outbound import outbound
from services.sender.outbound import Call, Parts, Request
from services.sender.outcomes import Refusal, Taken
from tests.sender.histories import accepted, attempted, attempting, created, history
from tests.sender.products import MESSAGES

ACCOUNT, SID, PERSON = "AC" + "a" * 32, "SM" + "a" * 32, "+14155550123"
TENANT = TenantSettings(account_sid=ACCOUNT, auth_tokens=[SecretStr("t")], contact_secret=SecretStr("s"))
MESSAGE = {"sid": SID, "direction": "outbound-api", "status": "delivered", "to": PERSON, "from": "+14155550100"}
INBOUND = MESSAGE | {"direction": "inbound", "status": "received", "from": f"whatsapp:{PERSON}", "to": "whatsapp:+1415"}
ABSENT = Refusal(code=20404, reason="not found")


def command(action: str, **changed: Any) -> FollowUpAccepted:
    fields: dict[str, Any] = {
        "event_id": "f1", "tenant": "acme", "command_id": "f1", "contact": contact_key("acme", PERSON, b"s"),
        "accepted_at": "2026-02-21T18:00:00.000Z", "sequence": 1, "not_after": "9999-01-01T00:00:00.000Z",
        "fingerprint": "f", "action": action, "to": PERSON,
    }  # fmt: skip
    return FollowUpAccepted(**fields | ({} if "of_command" in changed else {"message_sid": SID}) | changed)


def first(action: str, row: Any = None, tenants: Tenants | None = None, **changed: Any) -> Request | Refusal:
    known = tenants or Tenants({"acme": TENANT})
    return follow_up(Call(TENANT, command(action, **changed), None, lambda _: row), known.ones_own)  # type: ignore[arg-type]


def looked(action: str, message: dict[str, Any], **changed: Any) -> Any:
    """What comes of the look at a message."""
    asked = first(action, **changed)
    assert isinstance(asked, Request), asked
    assert (asked.method, asked.path) == ("GET", f"/2010-04-01/Accounts/{ACCOUNT}/Messages/{SID}.json")
    return asked.answer(Taken(json.dumps(message).encode()))


def ours(found: Any) -> bool:
    """It is a word of our own, for which nobody at Twilio is to blame and nothing else waits."""
    assert isinstance(found, Refusal), found
    return found.ours and found.retry_after is None


SENT = history([accepted(), attempting(1), attempted(1, created(SID))])[0]


@pytest.mark.parametrize("action", ["typing", "redact", "delete", "feedback"])
def test_a_bare_sid_of_another_person_is_left_alone(action: str) -> None:
    another = {"from": "whatsapp:+14155550999"} if action == "typing" else {"to": "+14155550999"}
    for message in ((INBOUND if action == "typing" else MESSAGE) | another, MESSAGE | {"to": "+1415555XXXX"}):
        found = looked(action, message, outcome="confirmed")
        assert ours(found)
        assert not found.retryable
    assert isinstance(looked(action, INBOUND, outcome="confirmed"), Request)


@pytest.mark.parametrize(
    "message", [MESSAGE, INBOUND | {"direction": "outbound-reply", "to": PERSON}, INBOUND | {"from": PERSON}]
)
def test_typing_answers_what_they_wrote_by_whatsapp(message: dict[str, Any]) -> None:
    assert ours(looked("typing", message))
    asked = looked("typing", INBOUND)
    assert (asked.host, asked.method, asked.json) == ("messaging", "POST", True)
    assert json.loads(asked.form) == {"channel": "WHATSAPP", "messageId": SID}


def test_typing_by_rcs_is_shown_between_both_ends() -> None:
    by_rcs = INBOUND | {"from": f"rcs:{PERSON}", "to": "rcs:acme_agent"}
    asked = looked("typing", by_rcs)
    assert json.loads(asked.form) == {
        "channel": "RCS", "from": "rcs:acme_agent", "to": f"rcs:{PERSON}", "event": "START",
    }  # fmt: skip
    assert ours(looked("typing", by_rcs | {"to": None}))


@pytest.mark.parametrize("status", ["queued", "accepted", "scheduled", "sending", "receiving", "of tomorrow"])
@pytest.mark.parametrize("action", ["redact", "delete"])
def test_nothing_of_a_message_that_has_not_ended_is_touched(status: str, action: str) -> None:
    found = looked(action, MESSAGE | {"status": status})
    assert ours(found)
    assert (found.retryable, found.look_again_s) == (True, 30.0)


def listed(status: str, *media: str) -> Any:
    media_of = looked("delete", MESSAGE | {"status": status})
    assert (media_of.method, "Media.json" in media_of.path) == ("GET", True), "of an SM too"
    return media_of.answer(Taken(json.dumps({"media_list": [{"sid": one} for one in media]}).encode()))


def test_media_go_before_their_message_once_it_has_ended() -> None:
    for media in ((), ("ME1",)):
        itself = listed("sent", *media)
        assert (itself.method, itself.path.endswith(f"/Messages/{SID}.json")) == ("DELETE", True), "Twilio judges"
    medium = listed("delivered", "ME1")
    assert (medium.method, medium.path.endswith("/Media/ME1.json")) == ("DELETE", True)
    itself = medium.answer(Taken(b""))
    assert itself.answer(Taken(b"")) == FollowedUp(sid=SID)
    assert itself.answer(ABSENT) == FollowedUp(sid=SID), "somebody was faster"
    refused = itself.answer(Refusal(code=20009, reason="not ended"))
    assert (refused.retryable, refused.retry_after, refused.look_again_s) == (True, None, 30.0)


def test_what_never_was_is_not_deleted() -> None:
    asked = first("delete")
    assert isinstance(asked, Request)
    assert asked.answer(ABSENT) == ABSENT
    ours_once = first("delete", SENT, message_sid=None, of_command="order-18473")
    assert isinstance(ours_once, Request)
    assert ours_once.answer(ABSENT) == FollowedUp(sid=SID), "the log knows that it was there"
    redacted = first("redact", SENT, message_sid=None, of_command="order-18473")
    assert isinstance(redacted, Request)
    assert redacted.answer(ABSENT) == ABSENT


def test_what_another_command_made_is_a_message_or_nothing_is_done() -> None:
    flow = history([accepted(), attempting(1), attempted(1, created("FN" + "a" * 32))])[0]
    assert ours(first("delete", flow, of_command="order-18473"))
    for action, row in (("redact", None), ("delete", history([accepted()])[0])):
        waits = first(action, row, of_command="order-18473")
        assert ours(waits)
        assert isinstance(waits, Refusal)
        assert (waits.retryable, waits.look_again_s) == (True, 5.0), "however long ago the wish was accepted"


@pytest.mark.parametrize("answer", [b"no", b"{}", b'{"direction": 1, "status": "delivered"}'])
def test_a_look_that_says_nothing_is_made_again(answer: bytes) -> None:
    asked = first("delete")
    assert isinstance(asked, Request)
    assert isinstance(asked.answer(Taken(answer)), Unknown)


def test_a_bare_sid_names_nobodys_message_where_the_account_may_be_anothers_too() -> None:
    acme = ("acme", TENANT)
    subaccount = TENANT.model_copy(update={"account_sid": "AC" + "b" * 32, "subaccounts": {ACCOUNT: {}}})
    both = Tenants(dict([acme, ("globex", TENANT)]))
    above = Tenants(dict([acme, ("globex", subaccount)]))
    unread = Tenants(dict([acme]))
    unread.take(Found({"acme": Said(TENANT, ()), "globex": Said(Refused("globex: unreadable"), ())}))
    closed = Tenants(dict([acme, ("globex", TENANT.model_copy(update={"state": "closed"}))]))
    closed.take(Found({"acme": Said(TENANT, ())}))
    assert len(closed) == 1
    for tenants in (both, above, unread, closed):
        for action in ("delete", "redact", "typing"):
            assert ours(first(action, tenants=tenants))
        assert isinstance(first("redact", SENT, tenants, of_command="order-18473"), Request)


def test_they_have_a_breaker_and_faults_of_their_own() -> None:
    """Typing calls another host: what that does not answer stops no message."""
    own = outbound(Parts(cast(Settings, None), Tenants(), Registries(KafkaSettings()), Catalogues(KafkaSettings())))
    assert (own.host, own.counted_at) == ("api", "followups")
    assert MESSAGES.counted_at == "api"


def test_what_we_say_ourselves_ends_no_fault_of_twilios_and_makes_none() -> None:
    faults, at = Faults(), AccountAt("acme", "followups")
    for code in (None, 20003):
        own = Refusal(code=code, reason="not yet", retryable=code is None, ours=True)
        assert faults.ended(at, "", own, True, faults.began()) is None
        assert not faults.reasons()


async def test_a_fault_outlives_what_we_say_ourselves() -> None:
    faults, at = Faults(), AccountAt("acme", "followups")
    assert faults.ended(at, "", Refusal(code=20003, reason="no"), True, faults.began()) == "account"
    assert faults.ended(at, "", Refusal(code=None, reason="not yet", ours=True), True, faults.began()) is None
    assert faults.reasons()
