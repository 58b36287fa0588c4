"""Smart encoding: a text by Twilio's list, into what GSM-7 has."""

import pytest

from services.domain.messages.segments import segments
from services.domain.messages.smart_encoding import smart_encoded


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        # As Twilio's page shows them, some of each kind.
        ("“It’s here” – at last…", '"It\'s here" - at last...'),
        ("«½ off»", '"1/2 off"'),
        ("‚low‘ and `grave´", ",low' and 'grave'"),
        ("• one\u00a0two", "- one two"),
        ("ＳＡＬＥ ２０％", "SALE 20%"),
        ("ᴀʙᴄ\u200b!", "ABC!"),
        ("‼", "!!"),
        # What GSM-7 has stays, also where it has look-alikes of its own.
        ("Grüße €5 {à}", "Grüße €5 {à}"),
        # Nothing looks like these.
        ("naïve 👋 привет", "naïve 👋 привет"),
    ],
)
def test_look_alikes_are_replaced_and_nothing_else(text: str, sent: str) -> None:
    assert smart_encoded(text) == sent


def test_every_replacement_is_one_that_gsm_has() -> None:
    for code in range(0x10000):
        if 0xD800 <= code < 0xE000 or smart_encoded(chr(code)) == chr(code):
            continue
        assert segments(smart_encoded(chr(code))).encoding == "GSM-7", hex(code)


def test_what_is_all_gsm_is_changed_by_no_more_than_the_grave_accent() -> None:
    gsm = [chr(code) for code in range(0x250) if segments(chr(code)).encoding == "GSM-7"]
    assert [char for char in gsm if smart_encoded(char) != char] == []
    # It is the one on the list that is ASCII, and GSM-7 lacks it.
    assert segments("`").encoding == "UCS-2"
