"""How a text message ends: 30xxx, by status callback as a rule. The message existed, so none is retryable."""

from services.domain.codes.info import ErrorInfo, Table, alike

_SENDER_ID = ErrorInfo("registration", "Register this sender in the destination's country, or use another.", "sender")
_PUMPING = ErrorInfo(
    "filtered", "Twilio blocks this destination for fraud for some hours: wait; check who asks you to write there."
)
_QUIET = ErrorInfo("policy", "It is night where the person is: send between 8 and 21 their time, or set quiet hours.")
_DAILY = ErrorInfo(
    "rate_limit",
    "The brand's daily limit at T-Mobile is used up: go on after midnight Pacific time, urgent ones first.",
)
_LINK = ErrorInfo("configuration", "Look at the domain, its certificate and its service in Twilio's Link Shortening.")

TABLE: Table = {
    30001: ErrorInfo("rate_limit", "The sender's queue at Twilio overflowed or was too old: send slower, add senders."),
    30002: ErrorInfo(
        "auth", "Twilio suspended the account: ask its support, then resume.", "account", by_callback=True
    ),
    30003: ErrorInfo(
        "unreachable",
        "The phone was off, out of reach or can take no SMS: try another channel, or once more hours later.",
        tells="out_of_reach",
    ),
    30004: ErrorInfo(
        "carrier",
        "The person or their carrier blocks this sender, or the number is on a do-not-call list: use another channel.",
    ),
    30005: ErrorInfo("unreachable", "The number is not in service: ask the person for a new one.", tells="unreachable"),
    30006: ErrorInfo(
        "unreachable",
        "A landline, or a carrier that this sender cannot reach: use another channel or number.",
        tells="landline",
    ),
    30007: ErrorInfo(
        "filtered",
        "Twilio or the carrier filtered it as unwanted: compare the text and its links with the registered campaign.",
    ),
    30008: ErrorInfo(
        "carrier", "The carrier gave no reason: try another channel; watch the rate by carrier and country."
    ),
    30009: ErrorInfo("carrier", "A part of a long message to us was lost: ask the person to send it again."),
    30010: ErrorInfo("configuration", "Leave the maximum price out: Twilio does not heed it any more."),
    30011: ErrorInfo(
        "recipient", "The person's country or number takes no MMS: send a link as SMS.", tells="no_mms", of_media=True
    ),
    30012: ErrorInfo("configuration", "Give a longer validity period, up to 36,000 seconds."),
    30013: ErrorInfo("configuration", "Give a shorter validity period, at most 36,000 seconds."),
    30014: ErrorInfo("recipient", "Correct `to` for its channel."),
    30015: ErrorInfo(
        "recipient", "Twilio does not know the channel of `to` or `from`: correct what stands before `:`."
    ),
    30016: ErrorInfo("sender", "`from` and `to` are of two channels: use one."),
    30017: ErrorInfo("carrier", "The carrier is congested: send later, and in smaller bursts."),
    **alike("30018 30024 30040 30041", _SENDER_ID),
    30019: ErrorInfo(
        "content", "The carrier takes no message of this size: shorten the text or shrink the media.", of_media=True
    ),
    30020: ErrorInfo("twilio", "Twilio failed to send what it had scheduled: send it again by a new command."),
    30021: ErrorInfo("twilio", "Twilio's Messaging Service failed: look at its status page; send by a new command."),
    30022: ErrorInfo("rate_limit", "The US carrier takes less a second from this campaign: lower rate_limits."),
    30023: _DAILY,
    30025: ErrorInfo("rate_limit", "Half of the brand's daily limit at T-Mobile is used: plan what is sent today."),
    30026: ErrorInfo("rate_limit", "70% of the brand's daily limit at T-Mobile is used: send what is urgent first."),
    30027: _DAILY,
    30028: ErrorInfo("configuration", "Call Twilio's API by its version 2010-04-01: check base_url."),
    30029: ErrorInfo("configuration", "Content retention is `retain` or `discard`: correct it."),
    30030: ErrorInfo("configuration", "Address retention is `retain` or `obfuscate`: correct it."),
    30031: ErrorInfo("configuration", "Leave the maximum rate out, or correct it."),
    30036: ErrorInfo(
        "expired",
        "It waited at Twilio longer than its validity period: send slower, or allow more time. Of RCS, until "
        "August 2026: the phone could not be reached.",
    ),
    30037: ErrorInfo(
        "auth",
        "Twilio switched sending off for this account: ask its support, then resume.",
        "account",
        by_callback=True,
    ),
    30038: ErrorInfo("filtered", "A one-time code that was sent to our number: Twilio hands none on."),
    30039: ErrorInfo("filtered", "Twilio stopped a loop of automatic answers: don't answer this sender automatically."),
    30042: ErrorInfo("sender", "The sender's name is too general or has forbidden characters: use another.", "sender"),
    30043: ErrorInfo("carrier", "The carrier took it for a message from abroad: ask Twilio for another route."),
    30046: ErrorInfo(
        "unreachable",
        "The phone cannot be reached by RCS: send SMS, or name a fallback in the Messaging Service.",
        tells="out_of_reach",
    ),
    # https://www.twilio.com/docs/api/errors/30047.md, read in November 2026.
    30047: ErrorInfo(
        "twilio",
        "Twilio's Compliance Toolkit could not put it off until it is day there, and did not send it: send it by a new "
        "command; if it fails again, ask Twilio's support.",
    ),
    **alike("30100 30101 30102 30103 30104 30105 30106 30107 30108 30109 30110 30111", _LINK),
    30113: ErrorInfo("configuration", "Twilio lists deactivated numbers from 2020-08-27 on: ask for a later day."),
    30114: ErrorInfo("configuration", "Twilio has no list of deactivated numbers for that day yet: ask again later."),
    30115: ErrorInfo("configuration", "Write the day of the list of deactivated numbers as YYYY-MM-DD."),
    **alike("30116 30117 30118 30119 30120 30121 30122 30123 30127 30129 30130 30131 30132 30133 30134", _LINK),
    30400: ErrorInfo("configuration", "Correct the parameter that Twilio names."),
    30404: ErrorInfo("configuration", "The resource does not exist in this account: check the SID."),
    30410: ErrorInfo(
        "carrier", "Twilio's provider did not answer and may have sent it: wait for a callback, don't repeat."
    ),
    30450: ErrorInfo(
        "filtered",
        "Twilio's fraud protection blocks the number for 15 to 30 minutes: wait; check who asks you to write there.",
    ),
    **alike("30453 30485", _PUMPING),
    30454: ErrorInfo("rate_limit", "The trial account's limit is used up: upgrade it."),
    30500: ErrorInfo("twilio", "Twilio failed inside: send by a new command; if it fails again, ask its support."),
    **alike("30610 30615", _QUIET),
    30620: ErrorInfo("registration", "The message is not what this sender is registered for: use another sender."),
    30630: ErrorInfo(
        "opted_out", "The person sent STOP to this sender: do not write until they send START.", tells="opted_out"
    ),
    30640: ErrorInfo("policy", "The number belongs to a known litigator: take it off marketing; check its consent."),
    30646: ErrorInfo("configuration", "Twilio could not store a consent: correct the entry that it names."),
    30647: ErrorInfo("configuration", "Twilio could not store a contact: correct the entry that it names."),
}
