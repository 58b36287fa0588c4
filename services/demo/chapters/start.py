"""START, more than a minute later by everybody's clock: commands go again to who wrote it, and to nobody else."""

from services.demo.chapters import contact, stop
from services.demo.chapters.cast import blocked, freeform, sends, sms, writes
from services.demo.script import BEGINNING_S, Chapter, MoveClock, Produce, Write
from services.demo.settings import ACME_CARE, ACME_CARE_SERVICE, ACME_SERVICE, ACME_SMS, ACME_WHATSAPP

_LATER_S = BEGINNING_S + 120.0

CHAPTER = Chapter(
    "START",
    "two minutes later: who wrote START is written to again, nobody else",
    (
        MoveClock(_LATER_S),
        Write(
            (
                writes(stop.SMS[0], ACME_SMS, "START"),
                writes(stop.SMS[1], ACME_SMS, "Yes"),
                writes(stop.WHATSAPP[0], ACME_WHATSAPP, "Subscribe"),
                # Told twice: released and confirmed once.
                writes(stop.WHATSAPP[2], ACME_WHATSAPP, "ALTA", again=True),
                writes(stop.CARE, ACME_CARE, "start"),
            )
        ),
        Produce(
            (
                sends("started-sms", stop.SMS[0], **sms("Welcome back")),
                sends("started-yes", stop.SMS[1], messaging_service_sid=ACME_SERVICE, body="Welcome back"),
                sends("started-wa", stop.WHATSAPP[0], **freeform("Welcome back")),
                sends("started-own-word", stop.WHATSAPP[2], **freeform("¡Bienvenido!")),
                sends("started-care", stop.CARE, messaging_service_sid=ACME_CARE_SERVICE, body="How was it?"),
                blocked(stop.SUPPRESSED, "not-started-sms", stop.SMS[2], **sms("Hello")),
                blocked(stop.SUPPRESSED, "not-started-wa", stop.WHATSAPP[1], **freeform("Hello")),
            )
        ),
        *contact.STARTS,
    ),
)
