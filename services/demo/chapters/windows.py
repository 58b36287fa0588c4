"""WhatsApp's 24 hours: free text only to who has written, a template to anybody."""

from services.demo.chapters.cast import blocked, freeform, person, sends, template, whatsapp, writes
from services.demo.script import Chapter, Produce, Write
from services.demo.settings import ACME_SERVICE, ACME_SMS, ACME_WHATSAPP

WROTE, WROTE_TOO, BY_SERVICE, WROTE_SMS, SILENT = (person(300 + number) for number in range(5))
_PHOTO = {"media_urls": ["https://cdn.acme.example/lunch.jpg"]}
_SERVICE = {"messaging_service_sid": ACME_SERVICE, "body": "By whichever of our numbers you wrote to."}

CHAPTER = Chapter(
    "windows",
    "free text to who wrote within 24 hours, to others templates only",
    (
        Write(
            (
                writes(WROTE, ACME_WHATSAPP, "Are you open?"),
                writes(WROTE_TOO, ACME_WHATSAPP, "What is for lunch?"),
                writes(BY_SERVICE, ACME_WHATSAPP, "Hello"),
                writes(WROTE_SMS, ACME_SMS, "Hello by SMS"),
            )
        ),
        Produce(
            (
                sends("inside-1", WROTE, **freeform("We are, until six.")),
                sends("inside-2", WROTE_TOO, **freeform("This"), **_PHOTO),
                sends("inside-3", whatsapp(BY_SERVICE), **_SERVICE),
                blocked("window_closed", "outside-1", WROTE_SMS, **freeform("You wrote by SMS alone.")),
                blocked("window_closed", "outside-2", SILENT, **freeform("You never wrote.")),
                blocked("window_closed", "outside-3", whatsapp(SILENT), **_SERVICE),
                sends("past-the-window", SILENT, **template(from_=ACME_WHATSAPP)),
            )
        ),
    ),
)
