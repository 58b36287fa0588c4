"""A *yes* is heard only in a form that can be Twilio's alone; a *no* in any that was signed. Nothing is lost."""

from pathlib import Path

import msgspec
import pytest

from services.ingress import metrics
from services.ingress.messages.translate import Arrival, inbound
from services.ingress.messages.vouching import unknown, vouched
from services.simulator.accounts import Account
from services.simulator.compose import inbound as received
from services.simulator.forms import inbound_form
from services.simulator.written import Written
from tests.ingress.rig import PUBLIC, running, settings
from tests.ingress.signing import ACCOUNT, Pairs, sign
from tests.ingress.test_answers import spooled

SID, OTHER = "SM" + "1" * 32, "SM" + "2" * 32
PERSON, VICTIM, OURS = "+14155550123", "+14155550177", "+14155550100"
FORM = {
    "ApiVersion": "2010-04-01",
    "AccountSid": ACCOUNT,
    "MessageSid": SID,
    "SmsSid": SID,
    "SmsMessageSid": SID,
    "From": PERSON,
    "FromCity": "",
    "FromCountry": "US",
    "To": OURS,
    "NumMedia": "0",
    "Body": "START",
}
ARRIVAL = Arrival("acme", b"s", "2026-11-28T10:00:00.000Z", None)


def said(pairs: Pairs, known: frozenset[str] = frozenset()) -> str | None:
    heard = inbound(ARRIVAL._replace(known=known), pairs).heard
    return heard.says if heard else None


def form(**changed: str | None) -> Pairs:
    return [(name, value) for name, value in (FORM | changed).items() if value is not None]


ITS_OWN: dict[str, Pairs] = {
    "SMS": form(),
    "without the old names of the sid": form(SmsSid=None, SmsMessageSid=None),
    "MMS": form(MessageSid="MM" + "1" * 32, SmsSid="MM" + "1" * 32, SmsMessageSid=None, MediaUrl0="https://x/y"),
    "WhatsApp": form(From=f"whatsapp:{PERSON}", To=f"whatsapp:{OURS}", ProfileName="Ada", WaId="14155550123"),
    "without a number": form(From="whatsapp:US.13491208655302741918", ExternalUserId="US.13491208655302741918"),
    "an answer to one of ours": form(OriginalRepliedMessageSid=OTHER, OriginalRepliedMessageSender=f"whatsapp:{OURS}"),
    "Advanced Opt-Out": form(OptOutType="START", MessagingServiceSid="MG" + "d" * 32),
    "by the fallback": form(ErrorCode="11200", ErrorUrl="https://hooks.example.org/in"),
}


@pytest.mark.parametrize("name", ITS_OWN)
def test_a_yes_in_twilios_own_form_is_heard(name: str) -> None:
    assert said(ITS_OWN[name]) == "start"


CUT: dict[str, Pairs] = {
    "no MessageSid": form(MessageSid=None),
    "MessageSid in pieces": [*form(MessageSid=None), ("MessageSi", f"d{SID}")],
    "a sid that is none": form(MessageSid="SM1", SmsSid="SM1", SmsMessageSid="SM1"),
    "another SmsSid": form(SmsSid=OTHER),
    "another SmsMessageSid": form(SmsMessageSid=OTHER),
    "another sid in a text": form(MessageSid=OTHER, SmsSid=None, SmsMessageSid=None, FromCity=f"MessageSid{SID}"),
    "a name that Twilio does not have": [*form(), ("G", "From+14155550199")],
    "an empty name": [*form(), ("", "x")],
    "a name twice": [*form(), ("To", OURS)],
    # All names are Twilio's, and one value holds what was somebody's From.
    "somebody else's From": form(From=VICTIM, FromCity=f"xFrom{PERSON}FromCityOAKLAND"),
    "somebody else's WhatsApp": form(From=f"whatsapp:{VICTIM}", ProfileName=f"xFromwhatsapp:{PERSON}"),
    "no From": form(From=None),
}


@pytest.mark.parametrize("name", CUT)
def test_a_yes_in_another_cut_is_none_and_a_no_is_one(name: str) -> None:
    assert said(CUT[name]) is None
    no = [(field, "STOP" if field == "Body" else value) for field, value in CUT[name]]
    assert said(no) == "stop"


def test_what_twilio_has_added_is_set() -> None:
    more = [*form(), ("NewParameter", "1"), ("Other", "2")]
    assert unknown(more) == ["NewParameter", "Other"]
    assert said(more, frozenset({"NewParameter"})) is None
    assert said(more, frozenset({"NewParameter", "Other"})) == "start"


@pytest.mark.parametrize("ours", [OURS, f"whatsapp:{OURS}"])
def test_the_simulators_forms_are_vouched_for(ours: str) -> None:
    account = Account(ACCOUNT, "acme", "token", (), ())
    written = Written(
        sender=ours.replace(OURS, PERSON), to=ours, body="START", media=(("https://x/y", "image/png"),), phone=PERSON
    )
    message = received(account, written, "MG" + "d" * 32)
    assert vouched(list(inbound_form(message, written, "START")))


async def test_unknown_names_are_kept_counted_and_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    before = metrics.UNKNOWN_PARAMETERS._value.get()
    async with running(settings(tmp_path)) as caller:
        for _ in range(3):
            assert await caller.post("/twilio/acme/messages", [*form(), ("NewParameter", "1")]) == 200
    assert metrics.UNKNOWN_PARAMETERS._value.get() == before + 3
    assert len([one for one in caplog.records if "NewParameter" in one.getMessage()]) == 1
    facts = [msgspec.json.decode(fact) for fact in spooled(tmp_path)]
    assert all(fact["raw"]["NewParameter"] == "1" and fact.get("heard") is None for fact in facts)


async def test_a_captured_start_cut_anew_is_kept_and_says_nothing(tmp_path: Path) -> None:
    target = "/twilio/acme/messages"
    signature = sign(PUBLIC + target, form())
    recut = [pair for pair in form() if pair[0] != "MessageSid"] + [("MessageSi", f"d{SID}")]
    async with running(settings(tmp_path)) as caller:
        assert await caller.post(target, form()) == 200
        assert await caller.post(target, recut, X_Twilio_Signature=signature) == 200
    facts = [msgspec.json.decode(fact) for fact in spooled(tmp_path)]
    assert [bool(fact.get("heard")) for fact in facts] == [True, False]
