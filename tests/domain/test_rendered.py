"""What an SMS from a template takes, by the text that the log knows."""

from decimal import Decimal

import pytest
from msgspec import structs

from services.domain.messages.rendered import most_segments, rendered
from services.domain.spend.estimating import Rates
from services.domain.templates.catalogue import NO_TEMPLATES, Catalogue
from services.domain.templates.events import TemplateStated
from services.sender.messages.asking import priced
from tests.sender.histories import accepted


def template(sid: str, language: str, body: str | None) -> TemplateStated:
    return TemplateStated(
        event_id=sid, tenant="acme", content_sid=sid, at="2026-02-21T18:00:00.000Z", name="shipped", language=language,
        state="approved", types=["twilio/text"], placeholders={}, body=body,
    )  # fmt: skip


SHORT, LONG = template("HX1", "en_US", "Sent, {{1}}."), template("HX2", "de", "Unterwegs, {{ 1 }}: " + "x" * 200)
UNKNOWN = template("HX3", "fr", None)


@pytest.mark.parametrize(
    ("body", "variables", "text"),
    [
        ("Hello", {}, "Hello"),
        ("Hello {{1}}, {{name}}", {"1": "Ann", "name": "{{1}}"}, "Hello Ann, {{1}}"),
        ("Hello {{1}}", {}, None),
    ],
)
def test_a_text_with_its_places_filled(body: str, variables: dict[str, str], text: str | None) -> None:
    assert rendered(body, variables) == text


def test_of_several_languages_the_longest_counts_and_one_that_nobody_knows_is_no_number() -> None:
    known = Catalogue([SHORT, LONG])
    assert most_segments(known.meant(None, "shipped", None), {"1": "17"}) == 2
    assert most_segments(known.meant(None, "shipped", "en_US"), {"1": "17"}) == 1
    assert most_segments(known.meant("HX2", None, None), {"1": "17"}) == 2
    # A value may make it a longer one, or another alphabet.
    assert most_segments(known.meant("HX1", None, None), {"1": "y" * 300}) == 3
    assert most_segments(known.meant("HX1", None, None), {"1": "ж" * 65}) == 2
    assert most_segments(known.meant("HX1", None, None), {}) is None
    assert most_segments(known.meant("HX9", None, None), {}) is None
    assert most_segments(Catalogue([SHORT, UNKNOWN]).meant(None, "shipped", None), {"1": "17"}) is None


def test_an_sms_from_a_template_counts_what_its_text_takes_and_one_where_nobody_knows_it() -> None:
    sid = "HX" + "1" * 32
    rates = Rates(assumed={"sms": Decimal("0.01"), "whatsapp": Decimal("0.05")})
    command = accepted(body=None, segments=None, content_sid=sid, content_variables={"1": "y" * 300})
    known = Catalogue([structs.replace(SHORT, content_sid=sid)])
    costs = [priced(command, rates, one) for one in (known, NO_TEMPLATES)]
    assert [one and one.amount for one in costs] == [Decimal("0.03"), Decimal("0.01")]
    by_whatsapp = structs.replace(command, channel="whatsapp")
    dear = priced(by_whatsapp, rates, known)
    assert dear is not None
    assert dear.amount == Decimal("0.05"), "there a message is a message"
