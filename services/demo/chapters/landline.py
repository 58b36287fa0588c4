"""A number that takes no texts: Twilio refuses one message, and the next is stopped before it."""

from dataclasses import replace

from services.demo.chapters.cast import blocked, sends, sms
from services.demo.script import Chapter, Produce

# Twilio's magic number of somebody without a mobile phone, and what it is refused with.
_LANDLINE, _NOT_MOBILE = "+15005550009", 21614

CHAPTER = Chapter(
    "a landline",
    "refused by Twilio once; the next SMS is blocked before it",
    (
        Produce((replace(sends("landline-1", _LANDLINE, **sms("Hello")), step="failed", code=_NOT_MOBILE),)),
        Produce((blocked("unreachable", "landline-2", _LANDLINE, **sms("Hello again")),)),
    ),
)
