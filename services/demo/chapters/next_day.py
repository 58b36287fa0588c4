"""A day later, which is today by the true clock: every window is closed, and a consent that held for a day is stale."""

from services.demo.chapters import contact, templates
from services.demo.chapters.cast import blocked, freeform, sends, template, writes
from services.demo.chapters.windows import WROTE, WROTE_TOO
from services.demo.script import Chapter, MoveClock, Produce, Write
from services.demo.settings import ACME_WHATSAPP

_NOW_S = 0.0

CHAPTER = Chapter(
    "a day later",
    "every window is closing, then expired; what went is blocked now",
    (
        MoveClock(_NOW_S),
        Produce(
            (
                blocked("window_closed", "next-day-1", WROTE, **freeform("Still there?")),
                blocked("window_closed", "next-day-2", WROTE_TOO, **freeform("Still there?")),
                sends("next-day-template", WROTE, **template(from_=ACME_WHATSAPP)),
                blocked("stale_consent", "offer-stale", templates.ASKED, **templates.OFFER),
            )
        ),
        Write((writes(WROTE_TOO, ACME_WHATSAPP, "And today?"),)),
        Produce((sends("reopened", WROTE_TOO, **freeform("Soup.")),)),
        *contact.NEXT_DAY,
    ),
)
