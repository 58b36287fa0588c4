"""A tenant that sends templates only to whom it has asked: Globex, whose consents hold for a day."""

from services.demo.chapters.cast import blocked, consents, person, sends, template
from services.demo.script import Chapter, Command, Produce
from services.demo.settings import GLOBEX_SMS, GLOBEX_WHATSAPP

ASKED, UNASKED = person(200), person(201)
OFFER = template(tenant="globex", from_=GLOBEX_WHATSAPP)


def _reminder(name: str, to: str) -> Command:
    # Without a template it needs no consent here.
    return sends(name, to, tenant="globex", from_=GLOBEX_SMS, body="Your appointment is tomorrow at 10.")


CHAPTER = Chapter(
    "templates by consent",
    "Globex's templates wait for a recorded opt-in, then go",
    (
        Produce(
            (
                blocked("no_consent", "offer-unasked-1", ASKED, **OFFER),
                blocked("no_consent", "offer-unasked-2", UNASKED, **OFFER),
                _reminder("reminder-1", UNASKED),
            )
        ),
        Produce((consents("asked-1", ASKED, "opt_in", tenant="globex", source="checkout", ip="203.0.113.7"),)),
        Produce(
            (
                sends("offer-asked", ASKED, **OFFER),
                blocked("no_consent", "offer-unasked-3", UNASKED, **OFFER),
            )
        ),
    ),
)
