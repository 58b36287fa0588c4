"""One person under several spellings, from their STOP to the verdict on the next command."""

import pytest

from services.domain.consent.commands import ConsentAccepted, RecordConsent
from services.domain.consent.intake import accept as accept_consent
from services.domain.consent.standing import suppressed
from services.domain.contact import contact_key
from services.domain.identity import Place
from services.domain.messages.commands import CommandAccepted, SendMessage
from services.domain.messages.consent import Suppressing
from services.domain.messages.intake import Rules, accept
from tests.domain.suppression_oracle import WHATSAPP, history, wrote

SECRET = b"secret"
AT = "2026-02-21T18:22:11.123Z"
SPELLINGS = [
    ("whatsapp:+22507123456", "whatsapp:+2250707123456"),
    ("whatsapp:+22961000000", "whatsapp:+2290161000000"),
    ("whatsapp:+5215512345678", "whatsapp:+525512345678"),
    ("whatsapp:+22520301234", "whatsapp:+2252720301234"),
    ("whatsapp:us.ENT.20000000000000000001", "whatsapp:US.ENT.20000000000000000001"),
]


def command(to: str) -> CommandAccepted:
    send = SendMessage(command_id="c-1", tenant="acme", to=to, from_=WHATSAPP, body="hola")
    accepted = accept(send, Rules(contact_secret=SECRET, lifetime=3600.0), AT, Place(0, 1))
    assert isinstance(accepted, CommandAccepted), accepted
    return accepted


@pytest.mark.parametrize("spellings", SPELLINGS)
def test_a_stop_in_one_spelling_is_heard_of_all_and_a_start_in_another_lifts_it(spellings: tuple[str, str]) -> None:
    one, other = spellings
    contact = contact_key("acme", one, SECRET)
    assert command(one).contact == command(other).contact == contact
    fold = Suppressing({})
    stopped, _ = history(fold, [wrote("STOP", 0, to=WHATSAPP, from_=one, contact=contact)])
    assert suppressed(stopped)
    start = wrote("START", 90, "SM2", to=WHATSAPP, from_=other, contact=contact_key("acme", other, SECRET))
    assert not suppressed(history(fold, [start], stopped)[0])


@pytest.mark.parametrize("spellings", SPELLINGS)
def test_a_consent_in_either_spelling_is_the_persons(spellings: tuple[str, str]) -> None:
    found = set()
    for address in (*spellings, *(one.removeprefix("whatsapp:") for one in spellings)):
        said = RecordConsent(command_id="c", tenant="acme", address=address, action="opt_out")
        accepted = accept_consent(said, SECRET, AT, Place(0, 1))
        assert isinstance(accepted, ConsentAccepted), accepted
        found.add(accepted.contact)
    assert found == {contact_key("acme", spellings[0], SECRET)}
