"""STOP in many spellings, and opt-outs that came otherwise: by paper, by an error of Twilio's."""

from dataclasses import replace

from services.contract.consent import CONSENT_COMMANDS
from services.demo.chapters.cast import (
    blocked,
    consents,
    freeform,
    person,
    sends,
    sms,
    template,
    whatsapp,
    writes,
)
from services.demo.script import Chapter, Command, Produce, Steer, Write
from services.demo.settings import ACME_CARE, ACME_CARE_SERVICE, ACME_SERVICE, ACME_SMS, ACME_WHATSAPP

SMS = tuple(person(400 + number) for number in range(4))
WHATSAPP = tuple(person(410 + number) for number in range(4))
CARE, HASTY, ON_PAPER, ONE_SENDER = (person(420 + number) for number in range(4))
# Twilio's magic number: whoever it belongs to has opted out, and only Twilio knows.
_OPTED_OUT_AT_TWILIO = "+15005550004"
SUPPRESSED = "suppressed"

_SPELLINGS = ("STOP", " stop all! ", "Unsubscribe", "revoke")
# The third is a word of the tenant's own; Twilio tells of the last a second time.
_WHATSAPP_SPELLINGS = ("Stop ❤️", "ＳＴＯＰ.", "¡Baja!", "Opt-Out")

_STOPS = Write(
    (
        *(writes(who, ACME_SMS, word) for who, word in zip(SMS, _SPELLINGS, strict=True)),
        *(
            writes(who, ACME_WHATSAPP, word, again=who == WHATSAPP[-1])
            for who, word in zip(WHATSAPP, _WHATSAPP_SPELLINGS, strict=True)
        ),
        writes(HASTY, ACME_WHATSAPP, "stop"),
        # A word of the Messaging Service's: it tells us with OptOutType what it understood.
        writes(CARE, ACME_CARE, "ARRÊT"),
    )
)
_AFTER = Produce(
    (
        *(blocked(SUPPRESSED, f"stopped-sms-{at}", who, **sms("Still there?")) for at, who in enumerate(SMS)),
        *(blocked(SUPPRESSED, f"stopped-wa-{at}", who, **freeform("Still there?")) for at, who in enumerate(WHATSAPP)),
        blocked(SUPPRESSED, "stopped-template", WHATSAPP[1], **template(from_=ACME_WHATSAPP)),
        # A number speaks for the Messaging Service that it is in.
        blocked(SUPPRESSED, "stopped-service", SMS[1], messaging_service_sid=ACME_SERVICE, body="By the service"),
        blocked(SUPPRESSED, "stopped-care", CARE, messaging_service_sid=ACME_CARE_SERVICE, body="How was it?"),
        sends("other-channel", WHATSAPP[0], **sms("You ended WhatsApp, not SMS.")),
        sends("other-service", CARE, **sms("You ended our care line, not this.")),
    )
)


def _consent(name: str, value: bytes, step: str, *, malformed: bool = False) -> Command:
    return Command(name, value, step, malformed=malformed, topic=CONSENT_COMMANDS.name)


_BY_COMMAND = (
    Produce(
        (
            consents("paper-out", ON_PAPER, "opt_out", given_at="2020-05-04T10:00:00Z", source="letter"),
            consents("sender-out", whatsapp(ONE_SENDER), "opt_out", sender=ACME_SMS, source="call center"),
            _consent("no-consent", b'{"command_id":"no-consent","tenant":"acme","action":"opt_in"}', "rejected"),
            _consent("cut-consent", b'{"command_id":"cut-consent', "rejected", malformed=True),
        )
    ),
    Produce(
        (
            blocked(SUPPRESSED, "paper-sms", ON_PAPER, **sms("Hello")),
            blocked(SUPPRESSED, "paper-wa", ON_PAPER, **template(from_=ACME_WHATSAPP)),
            blocked(SUPPRESSED, "sender-sms", ONE_SENDER, **sms("Hello")),
            sends("sender-other", ONE_SENDER, from_=ACME_CARE, body="How was it?"),
        )
    ),
    # A yes counts from its date at the most, and a no from when it was taken: nobody's paper lifts it.
    Produce((consents("paper-in", ON_PAPER, "opt_in", given_at="2020-06-01T10:00:00Z", source="web form"),)),
    Produce((blocked(SUPPRESSED, "paper-again", ON_PAPER, **sms("Welcome back")),)),
)

CHAPTER = Chapter(
    "STOP",
    "who wrote STOP, or opted out otherwise, is sent nothing from there",
    (
        Steer(f"services/{ACME_CARE_SERVICE}", {"advanced_opt_out": True, "stop_words": ["ARRÊT"],
                                                "numbers": [ACME_CARE]}),
        _STOPS,
        _AFTER,
        # Webhooks do not tell when it was said: within a minute nobody knows which came first.
        Write((writes(HASTY, ACME_WHATSAPP, "START"),)),
        Produce((blocked(SUPPRESSED, "hasty", HASTY, **freeform("Are you sure?")),)),
        *_BY_COMMAND,
        Produce((replace(sends("refused", _OPTED_OUT_AT_TWILIO, **sms("Hello")), step="failed", code=21610),)),
        Produce((blocked(SUPPRESSED, "not-asked-again", _OPTED_OUT_AT_TWILIO, **sms("Hello again")),)),
    ),
)  # fmt: skip
