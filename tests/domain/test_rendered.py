"""What an SMS from a template takes, by the text that the log knows."""

from decimal import Decimal
from typing import Any

import pytest
from msgspec import structs

from services.domain.identity import Place
from services.domain.messages.commands import CommandAccepted, NamedTemplate, SendMessage
from services.domain.messages.intake import Rules, accept
from services.domain.messages.rendered import most_segments, rendered
from services.domain.spend.estimating import Rates
from services.domain.templates.catalogue import NO_TEMPLATES, Catalogue
from services.domain.templates.events import TemplateStated
from services.sender.messages.asking import priced
from services.sender.messages.rates import units
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
    assert most_segments(known.meant(None, "shipped", None), {"1": "17"}) == (2, "GSM-7")
    assert most_segments(known.meant(None, "shipped", "en_US"), {"1": "17"}) == (1, "GSM-7")
    assert most_segments(known.meant("HX2", None, None), {"1": "17"}) == (2, "GSM-7")
    # A value may make it a longer one, or another alphabet.
    assert most_segments(known.meant("HX1", None, None), {"1": "y" * 300}) == (3, "GSM-7")
    assert most_segments(known.meant("HX1", None, None), {"1": "ж" * 65}) == (2, "UCS-2")
    assert most_segments(known.meant("HX1", None, None), {}) is None
    assert most_segments(known.meant("HX9", None, None), {}) is None
    assert most_segments(Catalogue([SHORT, UNKNOWN]).meant(None, "shipped", None), {"1": "17"}) is None


def test_a_template_with_media_is_counted_by_the_text_that_it_has_for_where_there_are_none() -> None:
    """By a number, what has a medium and no such text is an MMS."""
    picture = structs.replace(SHORT, types=["twilio/media"])
    assert most_segments([picture], {"1": "17"}) is None
    assert most_segments([structs.replace(picture, types=["twilio/media", "twilio/text"])], {"1": "17"}) is not None


def taken(known: Catalogue, **fields: Any) -> CommandAccepted:
    rules = Rules(b"secret", 3600.0, rates=Rates(assumed={"sms": Decimal("0.01")}), templates=lambda: known)
    command = SendMessage(command_id="c", tenant="acme", to="+14155550123", from_="+14155550100", **fields)
    found = accept(command, rules, "2026-02-21T18:00:00.000Z", Place(0, 0))
    assert isinstance(found, CommandAccepted), found
    return found


def test_at_intake_it_has_the_segments_and_the_price_of_its_text() -> None:
    known = Catalogue([SHORT, LONG])
    named = taken(known, template=NamedTemplate(name="shipped"), content_variables={"1": "17"})
    assert (named.segments, named.encoding, named.estimate and named.estimate.amount) == (2, "GSM-7", Decimal("0.02"))
    # Its rate counts them too.
    assert units(named) == 2
    cyrillic = taken(known, template=NamedTemplate(name="shipped", language="en_US"), content_variables={"1": "ж" * 65})
    assert (cyrillic.segments, cyrillic.encoding) == (2, "UCS-2")
    for unknown in (
        taken(known, template=NamedTemplate(name="shipped")),
        taken(NO_TEMPLATES, template=NamedTemplate(name="shipped"), content_variables={"1": "17"}),
        taken(known, content_sid="HX" + "9" * 32),
    ):
        assert (unknown.segments, unknown.encoding, unknown.estimate and unknown.estimate.amount) == (
            None, None, Decimal("0.01"),
        )  # fmt: skip


def test_a_budget_goes_by_the_text_of_now_and_where_that_is_gone_by_that_of_intake() -> None:
    command = taken(Catalogue([SHORT, LONG]), template=NamedTemplate(name="shipped"), content_variables={"1": "17"})
    rates = Rates(assumed={"sms": Decimal("0.01")})
    longer = Catalogue([structs.replace(LONG, body="x" * 400)])
    costs = [priced(command, rates, one) for one in (longer, NO_TEMPLATES)]
    assert [one and one.amount for one in costs] == [Decimal("0.03"), Decimal("0.02")]


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
