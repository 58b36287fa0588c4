"""WhatsApp, RCS and Messenger: 63xxx. Most come by callback, some as the create call's refusal too."""

from services.domain.codes.info import ErrorInfo, Table, alike

_FORMAT = ErrorInfo(
    "content", "The channel takes no such content: correct its format, media or the template's values.", of_media=True
)
_PROVIDER = ErrorInfo("carrier", "The channel's provider failed: send later by a new command; look at its status page.")
_SAMPLE = ErrorInfo(
    "template", "Twilio cannot fetch the template's sample media: make its URL public, submit it again."
)

TABLE: Table = {
    11751: ErrorInfo(
        "content", "The media are too big for the channel: MMS takes 5 MB, WhatsApp 16 MB.", of_media=True
    ),
    63001: ErrorInfo(
        "sender",
        "The channel does not accept the sender's credentials: connect the sender again.",
        "sender",
        by_callback=True,
    ),
    63002: ErrorInfo(
        "sender", "The channel does not know the sender: check it in Twilio's console.", "sender", by_callback=True
    ),
    63003: ErrorInfo(
        "recipient", "The address is not on this channel any more: check it; use another channel.", tells="unreachable"
    ),
    63005: _FORMAT,
    63006: _FORMAT,
    63007: ErrorInfo(
        "sender", "This account has no such channel sender: check `from` with its prefix, such as whatsapp:.", "sender"
    ),
    63008: ErrorInfo("configuration", "The channel is set up wrongly at Twilio: check its sender there.", "sender"),
    63009: _PROVIDER,
    63010: ErrorInfo("twilio", "Twilio failed inside: send by a new command; look at its status page."),
    63011: ErrorInfo("carrier", "The channel did not say what the person's phone can do: send later, or as SMS."),
    63012: _PROVIDER,
    63013: ErrorInfo(
        "policy",
        "It breaks the channel's policy: check text and category; no value with line breaks, tabs or 5 spaces.",
    ),
    63014: ErrorInfo(
        "opted_out", "The person blocked this sender: do not write until they write to it again.", tells="opted_out"
    ),
    63015: ErrorInfo(
        "recipient", "The sandbox writes only to those who joined it: have them join, or use a real sender."
    ),
    63016: ErrorInfo(
        "window",
        "The person did not write in the last 24 hours: send an approved template; by Messenger, wait for them.",
        tells="window_closed",
    ),
    63017: ErrorInfo("rate_limit", "More than the channel takes: send slower."),
    63018: ErrorInfo(
        "rate_limit",
        "The channel's limit for this sender: send slower, or from more senders; wait 24 hours if it is the daily one. "
        "If one template alone fails with it, check that it is approved for this sender.",
    ),
    63019: ErrorInfo(
        "content",
        "The channel could not fetch the media: give a public https URL, under its size limit.",
        of_media=True,
    ),
    63020: ErrorInfo(
        "configuration",
        "Meta stops the business: look at payment and state in its Business Manager.",
        "sender",
        by_callback=True,
    ),
    63021: _FORMAT,
    63022: ErrorInfo(
        "sender",
        "WhatsApp does not accept the sender's certificate: register the sender again.",
        "sender",
        by_callback=True,
    ),
    63023: ErrorInfo("carrier", "The channel gave no reason: try another channel; watch the rate."),
    63024: ErrorInfo(
        "recipient",
        "The person cannot take WhatsApp (no account, an old version, terms not accepted): use another channel.",
        tells="unreachable",
    ),
    63025: ErrorInfo("content", "The channel has these media already: send them under another URL.", of_media=True),
    63026: ErrorInfo(
        "filtered", "The channel takes this sender's messages for spam: stop, and look at what people report."
    ),
    63027: ErrorInfo("template", "The template has no version in this language: approve one, or use another template."),
    63028: ErrorInfo(
        "template", "Give each placeholder of the template a value in content_variables, or in the template a default."
    ),
    63029: ErrorInfo("template", "The person's app could not fetch the template: send later, or another."),
    63030: ErrorInfo("content", "The channel does not know one of the message's parameters: leave it out."),
    63031: ErrorInfo("recipient", "`to` and `from` are the same address: correct one of them."),
    63032: ErrorInfo(
        "policy",
        "Meta keeps this person in an experiment without marketing: use another channel; they did not opt out.",
    ),
    63033: ErrorInfo(
        "opted_out",
        "The person left this business's marketing in WhatsApp: send them no marketing until they opt in again.",
        tells="opted_out",
    ),
    63034: ErrorInfo("content", "The media are too big for the channel: WhatsApp takes 16 MB.", of_media=True),
    63035: ErrorInfo(
        "registration", "The RCS agent is not launched in the person's country: launch it, or use SMS.", "sender"
    ),
    63036: ErrorInfo(
        "unreachable",
        "The phone cannot be reached by RCS now, or has none: send SMS, or name a fallback in the Messaging Service.",
        tells="out_of_reach",
    ),
    63037: ErrorInfo("content", "The channel did not take the media: check their type and size.", of_media=True),
    63038: ErrorInfo(
        "rate_limit", "The account's daily limit at Twilio is used up: go on tomorrow, or have it raised."
    ),
    63039: ErrorInfo(
        "policy", "Facebook finds the page's messages a bother: send fewer outside the 24 hours, at once."
    ),
    63040: ErrorInfo(
        "template", "WhatsApp rejected the template: correct it and submit it again, or use another.", "template"
    ),
    63041: ErrorInfo(
        "template",
        "WhatsApp paused the template for poor quality: use another, or wait until it is active.",
        "template",
    ),
    63042: ErrorInfo("template", "WhatsApp disabled the template: use another.", "template"),
    **alike("63043 63044 63045 63047", _SAMPLE),
    63046: ErrorInfo("template", "WhatsApp approved the template: nothing to do."),
    63049: ErrorInfo(
        "policy",
        "Meta withheld this marketing. To a US number: use another channel, and never send this template there again. "
        "Elsewhere: send it later, with growing gaps (a day, then three, then a week), or use another channel.",
        tells="marketing_capped",
    ),
    63051: ErrorInfo(
        "sender",
        "WhatsApp locked the business account: appeal by Twilio; use another channel.",
        "sender",
        by_callback=True,
    ),
    63062: ErrorInfo("configuration", "Accept the terms of Meta's Marketing Messages API for the business."),
    63100: ErrorInfo("configuration", "Correct the field of the sender that Twilio names."),
    63101: ErrorInfo(
        "configuration",
        "Correct the id of the WhatsApp business account; this one can't be used.",
        "sender",
        by_callback=True,
    ),
    63102: ErrorInfo(
        "configuration",
        "The account is linked to another WhatsApp business account: use that.",
        "sender",
        by_callback=True,
    ),
    63103: ErrorInfo(
        "configuration", "Give the WhatsApp business account a payment method.", "sender", by_callback=True
    ),
    63105: ErrorInfo("configuration", "The channel cannot do this: leave it out."),
    63106: ErrorInfo("recipient", "The number has no RCS: send SMS.", tells="unreachable"),
    63107: ErrorInfo("recipient", "Write the number in E.164, such as +14155550123."),
    63108: ErrorInfo(
        "sender", "The RCS sender is not ready: wait until Twilio's console says so.", "sender", by_callback=True
    ),
    63109: ErrorInfo(
        "sender", "The sender moved to another account: use that account's credentials.", "sender", by_callback=True
    ),
    63111: ErrorInfo(
        "sender",
        "Meta does not find the sender's number or business account: register it again.",
        "sender",
        by_callback=True,
    ),
    63112: ErrorInfo(
        "sender", "Meta disabled the business or its WhatsApp account: appeal there.", "sender", by_callback=True
    ),
}
