"""One contact's story, from an order to a template: its acts stand in three chapters, its records are shown."""

from services.demo.chapters.cast import blocked, freeform, person, sends, sms, template, writes
from services.demo.script import Act, Chapter, Produce, Write
from services.demo.settings import ACME_SMS, ACME_WHATSAPP

ADA = person(500)
_SUPPRESSED = "suppressed"
ORDER = "ada-order"

CHAPTER = Chapter(
    "one contact",
    "an order, a STOP, and the command that it blocks",
    (
        Produce((sends(ORDER, ADA, **sms("Your order 1001 is on its way.")),)),
        Write((writes(ADA, ACME_SMS, "STOP"),)),
        Produce((blocked(_SUPPRESSED, "ada-offer", ADA, **sms("Do you like it?")),)),
    ),
)
# Two minutes later, and a day later.
STARTS: tuple[Act, ...] = (
    Write((writes(ADA, ACME_SMS, "START"), writes(ADA, ACME_WHATSAPP, "When does it arrive?"))),
    Produce(
        (
            sends("ada-again", ADA, **sms("Welcome back.")),
            sends("ada-answer", ADA, **freeform("Between two and four.")),
        )
    ),
)
NEXT_DAY: tuple[Act, ...] = (
    Produce(
        (
            blocked("window_closed", "ada-late", ADA, **freeform("Did it arrive?")),
            sends("ada-template", ADA, **template(from_=ACME_WHATSAPP)),
        )
    ),
)
