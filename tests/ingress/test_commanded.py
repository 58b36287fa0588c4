"""Which messages a rule has commands made of: told in the fact, and never of a no; and rules that cannot be meant."""

from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from services.domain.messages.events import KeywordHeard, MostCommands
from services.ingress.messages.translate import Arrival, inbound
from services.runtime.replying import replies, rule_commands, words_of
from services.runtime.tenants.sections.consent import ConsentSettings
from services.runtime.tenants.settings import TenantSettings
from tests.ingress.signing import ACCOUNT

PERSON, OURS, ON_CALL = "+14155550123", "+14155550100", "+14155550177"
FLOW, SERVICE = "FW" + "1" * 32, "MG" + "1" * 32
COMMAND = {"to": [ON_CALL], "body": "{writer} wrote", "per_hour": 2, "per_day": 4}
KEY = SecretStr("k" * 40)


def tenant(says: list[str] | None = None, command: dict[str, Any] | None = None, **more: Any) -> TenantSettings:
    return TenantSettings(
        account_sid=ACCOUNT,
        auth_tokens=[SecretStr("t")],
        contact_secret=SecretStr("s"),
        keywords=[{"name": "it", "says": says or ["ONCALL"], "command": {**COMMAND, **(command or {})}}],
        **more,
    )


def heard(body: str, known: TenantSettings, **fields: str) -> KeywordHeard | None:
    sent = {"AccountSid": ACCOUNT, "MessageSid": "SM" + "1" * 32, "From": PERSON, "To": OURS, "Body": body} | fields
    arrival = Arrival("acme", b"s", "2026-11-28T10:00:00.000Z", None, words_of(known.consent))
    return replies(known).heard(inbound(arrival, list(sent.items())))


def test_the_fact_says_that_a_command_is_made_and_of_how_many_at_the_most() -> None:
    found = heard("on-call!", tenant())
    assert found is not None
    assert (found.command, found.rule, found.replied) == (MostCommands(per_hour=2, per_day=4), "it", False)
    assert found == heard("on-call!", tenant()), "a webhook that comes again has the same id"


@pytest.mark.parametrize(
    ("says", "body", "fields", "consent"),
    [
        ("STOP", "stop", {}, {}),
        ("UNSUBSCRIBE", "Unsubscribe", {"From": f"whatsapp:{PERSON}", "To": f"whatsapp:{OURS}"}, {}),
        ("BAJA", "baja", {}, {"stop_words": ["baja"]}),
        # What looks like a no, and where a button says so beside the text.
        ("STOP PLEASE", "stop please", {}, {}),
        ("ONCALL", "oncall", {"OptOutType": "STOP"}, {}),
        ("ONCALL", "oncall", {"ButtonPayload": "STOP"}, {}),
        # Others answer: Twilio by the account's own settings, or on its networks; we on WhatsApp.
        ("HELP", "help", {"OptOutType": "HELP"}, {}),
        ("START", "start", {}, {}),
        ("START", "start", {"From": f"whatsapp:{PERSON}", "To": f"whatsapp:{OURS}"}, {}),
    ],
)
def test_no_command_is_made_of_a_no_nor_where_others_answer(
    says: str, body: str, fields: dict[str, str], consent: dict[str, Any]
) -> None:
    found = heard(body, tenant([says], consent=ConsentSettings(**consent)), **fields)
    assert found is not None
    assert found.command is None


@pytest.mark.parametrize("sender", ["68849", OURS, "SUPPORT", "", "+266696687"])
def test_what_a_robot_writes_sets_nothing_off(sender: str) -> None:
    assert heard("oncall", tenant(), From=sender) is None


def test_what_another_sender_of_ours_writes_sets_nothing_off() -> None:
    assert heard("oncall", tenant(allowed_senders=[OURS, "+14155550101"]), From="+14155550101") is None


def test_a_closed_tenant_has_nothing_sent() -> None:
    assert rule_commands(tenant(state="closed")) == {}
    assert rule_commands(tenant())["it"].label == "it"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ({"to": []}, "at least 1"),
        ({"to": [ON_CALL] * 21}, "at most 20"),
        ({"to": ["68849"]}, "nobody's address"),
        ({"to": ["the team"]}, "nobody's address"),
        ({"to": [OURS]}, "a sender of ours"),
        ({"to": [f"whatsapp:{OURS}"]}, "a sender of ours"),
        ({"sender": "+14155550109"}, "not in allowed_senders"),
        ({"sender": "nobody at all"}, "neither a number"),
        ({"body": None}, "one of body, template and flow"),
        ({"template": "acked"}, "one of body, template and flow"),
        ({"body": None, "template": "acked", "variables": {"1": "{text}"}}, "not a place of every message"),
        ({"variables": {"1": "x"}}, "variables"),
        ({"language": "en"}, "language"),
        ({"body": None, "flow": "FW1", "to": ["writer"], "sender": SERVICE}, "pattern"),
        ({"body": None, "flow": FLOW, "sender": SERVICE}, "for who wrote"),
        ({"body": None, "flow": FLOW, "to": ["writer"]}, "name that"),
        ({"body": "{id.__class__}"}, "its name in braces"),
        ({"body": "{text}"}, "not a place of every message"),
        ({"body": "{writer}" + "a" * 1400}, "may be longer"),
        ({"after_s": -1}, "greater than or equal"),
        ({"within_s": 90_000}, "less than or equal"),
        ({"per_hour": 0}, "greater than or equal"),
        ({"label": "two words"}, "pattern"),
    ],
)
def test_commands_that_cannot_be_meant(command: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        tenant(command=command, allowed_senders=[OURS, SERVICE])


def test_a_place_is_not_named_as_who_wrote_and_places_are_of_all_messages() -> None:
    with pytest.raises(ValidationError, match="another name"):
        tenant(["ONCALL {writer}"])
    with pytest.raises(ValidationError, match="not a place of every message"):
        tenant(["ONCALL", "ONCALL {text*}"], {"body": "{text}"})


def test_where_only_signed_commands_are_taken_there_is_a_key_to_sign_by() -> None:
    with pytest.raises(ValidationError, match="has to be signed"):
        tenant(unsigned_commands="refused")
    assert tenant(unsigned_commands="refused", producer_keys={"k": KEY}).keywords[0].command
