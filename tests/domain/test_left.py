"""Who left us inside WhatsApp: no templates any more, and answers only to what they wrote since."""

import pytest

from services.domain.consent.events import Suppression
from services.domain.gate.decide import decide
from services.domain.outbox.verdicts import ALLOW
from tests.domain.test_gate import SENDER, question, view, whatsapp


def left(code: int = 63014, since: str = "2026-02-21T17:30:00.000Z") -> dict[str, Suppression]:
    """WhatsApp keeps it for one sender."""
    return {f"sender:whatsapp:{SENDER}": Suppression(since=since, evidence="e1", source=f"twilio_{code}")}


@pytest.mark.parametrize("code", [63014, 63033])
def test_who_left_on_whatsapp_gets_no_template_and_answers_to_what_they_wrote_since(code: int) -> None:
    since = "2026-02-21T17:30:00.000Z"
    wrote = {"before": "2026-02-22T17:29:00.000Z", "after": "2026-02-22T17:31:00.000Z"}
    seen = {when: view(suppressed=left(code, since), window_until=until) for when, until in wrote.items()}
    assert decide(whatsapp(template=True), seen["after"]).rule == "suppressed"
    assert decide(whatsapp(), seen["before"]).rule == "suppressed"
    assert decide(whatsapp(), seen["after"]) == ALLOW
    # An SMS through the same service is another matter.
    assert decide(question(), view(suppressed=left(code, since))) == ALLOW


def test_what_twilio_keeps_stops_all_of_it() -> None:
    stopped = view(suppressed=left(21610), window_until="2026-02-22T17:31:00.000Z")
    assert decide(whatsapp(), stopped).rule == "suppressed"
