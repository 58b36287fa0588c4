"""Twilio's error codes: what kind of trouble each is, whether trying again can help, and what to do.

Source: Twilio's documentation of each code. A code not listed is `unknown` and never retried.
"""

from typing import Literal, NamedTuple

Category = Literal[
    "auth",
    "carrier",
    "configuration",
    "content",
    "filtered",
    "opted_out",
    "rate_limit",
    "recipient",
    "sender",
    "template",
    "twilio",
    "unknown",
    "unreachable",
    "webhook",
    "window",
]


OPTED_OUT = 21610


class ErrorInfo(NamedTuple):
    """`retryable`: the same request may succeed later, and the refusal proves that nothing was sent."""

    category: Category
    retryable: bool
    remedy: str


UNKNOWN = ErrorInfo(
    "unknown",
    False,
    "Look the code up in Twilio's error dictionary, then correct the command or the account.",
)

CATALOGUE: dict[int, ErrorInfo] = {
    11200: ErrorInfo(
        "webhook",
        False,
        "Twilio could not fetch the webhook: check that the public URL answers 2xx within seconds, "
        "its TLS chain and DNS.",
    ),
    11205: ErrorInfo(
        "webhook",
        False,
        "Twilio could not connect to the webhook: check firewall, DNS and TLS of the public URL.",
    ),
    20003: ErrorInfo(
        "auth",
        False,
        "Check the account SID with its auth token, or the API key with its own secret; both belong to one account.",
    ),
    20404: ErrorInfo(
        "configuration",
        False,
        "The resource does not exist in this account: check the SID and which account the credentials belong to.",
    ),
    20429: ErrorInfo(
        "rate_limit",
        True,
        "Send slower: lower messages_per_second or concurrency, or spread over a Messaging Service's senders.",
    ),
    20500: ErrorInfo("twilio", False, "Twilio failed inside; see its status page."),
    20503: ErrorInfo("twilio", False, "Twilio is not available; see its status page."),
    21211: ErrorInfo(
        "recipient",
        False,
        "Write `to` in E.164, such as +14155550123; for WhatsApp whatsapp:+14155550123.",
    ),
    21212: ErrorInfo("sender", False, "Write `from` in E.164 or as a short code that this account owns."),
    21408: ErrorInfo(
        "configuration",
        False,
        "Enable the destination's country in the account's Messaging geographic permissions.",
    ),
    21602: ErrorInfo("content", False, "Give the message a body, media or a content_sid."),
    21603: ErrorInfo("sender", False, "Give a from or a messaging_service_sid."),
    21604: ErrorInfo("recipient", False, "Give the message a `to`."),
    21606: ErrorInfo(
        "sender",
        False,
        "Use a number that this account owns and that can send SMS, or a Messaging Service.",
    ),
    21608: ErrorInfo(
        "recipient",
        False,
        "A trial account sends only to verified numbers: verify it, or upgrade the account.",
    ),
    21610: ErrorInfo(
        "opted_out",
        False,
        "The recipient sent STOP to this sender: do not write until they send START.",
    ),
    21611: ErrorInfo(
        "rate_limit",
        True,
        "The sender's queue is full: send slower, or add senders to the Messaging Service.",
    ),
    21612: ErrorInfo(
        "sender",
        False,
        "This pair of from and to cannot be reached by this channel: use another sender.",
    ),
    21614: ErrorInfo(
        "recipient",
        False,
        "`to` is not a mobile number, or cannot take MMS: use another number, or SMS with a link.",
    ),
    21617: ErrorInfo("content", False, "Shorten the body to 1,600 characters."),
    21620: ErrorInfo("content", False, "Give media as a public https URL."),
    21703: ErrorInfo("sender", False, "Add a sender to the Messaging Service."),
    30001: ErrorInfo(
        "rate_limit",
        False,
        "Twilio's queue for this sender overflowed: send slower, or add senders.",
    ),
    30002: ErrorInfo("auth", False, "The account was suspended: contact Twilio."),
    30003: ErrorInfo(
        "unreachable",
        False,
        "The handset was off, out of reach or could not receive: try another channel, not the same one soon.",
    ),
    30004: ErrorInfo(
        "carrier",
        False,
        "The recipient or the carrier blocks this sender: try another channel.",
    ),
    30005: ErrorInfo(
        "unreachable",
        False,
        "The number is unknown or no longer in service: ask the person for a new one.",
    ),
    30006: ErrorInfo(
        "unreachable",
        False,
        "A landline or a carrier that cannot be reached: use another channel.",
    ),
    30007: ErrorInfo(
        "filtered",
        False,
        "The carrier filtered it: check content against the registered campaign, and that media URLs are public.",
    ),
    30008: ErrorInfo(
        "carrier",
        False,
        "The carrier gave no reason: try another channel; watch the rate by carrier and country.",
    ),
    30034: ErrorInfo(
        "configuration",
        False,
        "Register the number in an A2P 10DLC campaign before sending to the US.",
    ),
    63003: ErrorInfo(
        "recipient",
        False,
        "The address is not on this channel: check that the number uses WhatsApp.",
    ),
    63005: ErrorInfo(
        "content",
        False,
        "The channel refused the content: check its format and the template's parameters.",
    ),
    63007: ErrorInfo(
        "sender",
        False,
        "No such channel sender in this account: check `from`, with its whatsapp: prefix.",
    ),
    63016: ErrorInfo("window", False, "Outside the 24-hour window: send an approved template (content_sid)."),
    63018: ErrorInfo(
        "rate_limit",
        False,
        "The channel's rate limit: send slower, or from more senders. If one template alone fails "
        "with it, check that it is approved for this sender.",
    ),
    63024: ErrorInfo("recipient", False, "The recipient cannot take WhatsApp messages: use another channel."),
    63027: ErrorInfo(
        "template",
        False,
        "The template has no version in the language asked for: approve one, or ask for another.",
    ),
    63028: ErrorInfo(
        "template",
        False,
        "The number of content_variables is not the template's: give each of its placeholders a value.",
    ),
    63041: ErrorInfo(
        "template",
        False,
        "WhatsApp paused the template for poor quality: use another, or wait until it is active again.",
    ),
    63042: ErrorInfo("template", False, "WhatsApp disabled the template: use another."),
}


def explain(code: int | None) -> ErrorInfo:
    """What to know about an error code. Total: an unlisted one is UNKNOWN."""
    return CATALOGUE.get(code, UNKNOWN) if code is not None else UNKNOWN
