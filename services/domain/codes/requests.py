"""Refusals of a message: what a create call (or a cancel) answers. 21xxx, 30409 and 35xxx."""

from services.domain.codes.info import ErrorInfo, Table, alike

_TO = ErrorInfo("recipient", "Write `to` in E.164, such as +14155550123; for WhatsApp whatsapp:+14155550123.")
_NOT_OURS = ErrorInfo(
    "sender", "Use a number that this account owns and that can send SMS, or a Messaging Service.", "sender"
)
_NO_CONTENT = ErrorInfo("content", "Give the message a body, media_urls or a content_sid.")
_VARIABLES = ErrorInfo(
    "template",
    "Write content_variables as one JSON object of strings; give each placeholder of the template a value, none of "
    "them null.",
)
_SCHEDULE = ErrorInfo("configuration", "Schedule from a Messaging Service, between 15 minutes and 35 days ahead.")
_POOL = ErrorInfo("configuration", "Look at the Messaging Service's senders in Twilio's console; Twilio refused one.")
_ADDRESS = ErrorInfo("registration", "This country's numbers need a local address or certificate: add it at Twilio.")

TABLE: Table = {
    21201: ErrorInfo("recipient", "Give the message a `to`."),
    21210: ErrorInfo("sender", "Verify the `from` number for this account, or use one that it owns."),
    21211: _TO,
    21212: ErrorInfo("sender", "Write `from` in E.164, or as a short code or a name that this account may use."),
    21214: ErrorInfo("recipient", "The number cannot be reached: ask the person for another.", tells="unreachable"),
    21217: _TO,
    21219: ErrorInfo(
        "recipient", "A trial account writes only to verified numbers: verify it, or upgrade the account."
    ),
    21264: ErrorInfo("sender", "Verify the `from` number for this account, or use one that it owns."),
    21265: ErrorInfo("recipient", "`to` is a short code, which takes no messages: write to the person's number."),
    21266: ErrorInfo("recipient", "`to` and `from` are the same number: correct one of them."),
    21267: ErrorInfo("sender", "A trial account cannot send from a name: use a number, or upgrade the account."),
    21268: ErrorInfo("recipient", "`to` is a premium or information number: write to the person's own number."),
    21401: _TO,
    21407: ErrorInfo("sender", "This type of number has no SMS: use another number."),
    21408: ErrorInfo("configuration", "Enable the destination's country in the account's Messaging geo permissions."),
    21502: ErrorInfo(
        "configuration", "The webhook URL for messages is none that Twilio can call: give an http or https URL."
    ),
    21601: _NOT_OURS,
    21602: _NO_CONTENT,
    21603: ErrorInfo("sender", "Give a from or a messaging_service_sid."),
    21604: ErrorInfo("recipient", "Give the message a `to`."),
    21605: ErrorInfo("content", "Twilio's old endpoint takes 160 characters: check base_url."),
    21606: _NOT_OURS,
    21607: ErrorInfo("sender", "A trial account sends from its own number alone: use that, or upgrade the account."),
    21608: ErrorInfo(
        "recipient", "A trial account writes only to verified numbers: verify it, or upgrade the account."
    ),
    21609: ErrorInfo(
        "configuration",
        "Twilio cannot call our status callback: make public_url a public https address with a host name without "
        "underscores.",
        "house",
    ),
    21610: ErrorInfo(
        "opted_out", "The person sent STOP to this sender: do not write until they send START.", tells="opted_out"
    ),
    21611: ErrorInfo(
        "rate_limit",
        "The sender's queue at Twilio is full: send slower, or add senders to the Messaging Service.",
        retryable=True,
    ),
    21612: ErrorInfo(
        "sender", "This `from` cannot reach this `to`: use a sender that the destination's country takes."
    ),
    21614: ErrorInfo(
        "recipient",
        "`to` is no mobile number, or cannot take MMS: use another number, or SMS with a link.",
        tells="landline",
        of_media=True,
    ),
    **alike("21613 21615", _ADDRESS),
    21616: ErrorInfo("sender", "`from` fits several numbers of the account: write it in E.164."),
    21617: ErrorInfo("content", "Shorten the body to 1,600 characters."),
    21618: ErrorInfo("filtered", "Carriers filter this body: reword it; look at links and forbidden subjects."),
    21619: _NO_CONTENT,
    21620: ErrorInfo(
        "content", "Give each of media_urls as a public https URL that answers without credentials.", of_media=True
    ),
    21621: ErrorInfo("sender", "The `from` number has no MMS: use another, or send a link as SMS.", of_media=True),
    21622: ErrorInfo(
        "configuration", "The account has no MMS: ask Twilio for it, or send a link as SMS.", of_media=True
    ),
    21623: ErrorInfo("content", "Give at most 10 media_urls; for WhatsApp one.", of_media=True),
    21624: ErrorInfo("configuration", "Give a validity period of 1 to 36,000 seconds."),
    21626: ErrorInfo("configuration", "Ask for status callback events that Twilio has."),
    21627: ErrorInfo("configuration", "Leave the maximum price out: Twilio does not heed it any more."),
    21635: ErrorInfo("unreachable", "`to` is a landline: call it, or ask for a mobile number.", tells="landline"),
    21652: ErrorInfo("content", "Shorten the subject to 40 characters."),
    21653: ErrorInfo("recipient", "Write one command for each person."),
    21654: ErrorInfo("template", "content_variables need a content_sid: give it, or leave the variables out."),
    21655: ErrorInfo("template", "Correct content_sid: HX and 32 hexadecimal digits, of a template of this account."),
    21656: _VARIABLES,
    21657: ErrorInfo("sender", "The destination's country does not take this sender: use one that it takes."),
    21658: ErrorInfo("content", "Shorten the parameter that Twilio names, often a value of content_variables."),
    21659: ErrorInfo(
        "sender", "`from` is not a number at Twilio, or a short code of another country: use one of the account's."
    ),
    21660: ErrorInfo("sender", "`from` belongs to another account: use that account's credentials, or another sender."),
    21661: ErrorInfo("sender", "`from` has no SMS: use a number that has."),
    21664: ErrorInfo("sender", "Leave `from` out beside fallback_from: the Messaging Service chooses its RCS sender."),
    21665: ErrorInfo("sender", "Correct fallback_from: a number, short code or name of this account that sends SMS."),
    21666: ErrorInfo("sender", "fallback_from needs a messaging_service_sid: name a service that has an RCS sender."),
    21667: ErrorInfo("sender", "The Messaging Service has no RCS sender: add one, or leave fallback_from out."),
    21701: ErrorInfo("sender", "Correct messaging_service_sid: this account has no such Messaging Service."),
    21702: ErrorInfo("sender", "Twilio closed this Messaging Service for new messages: ask its support.", "sender"),
    21703: ErrorInfo(
        "sender", "Add a sender to the Messaging Service that can send this to the destination's country.", "sender"
    ),
    21704: ErrorInfo("sender", "The Messaging Service has no sender: add one.", "sender"),
    21705: ErrorInfo("sender", "Correct messaging_service_sid: MG and 32 hexadecimal digits."),
    21709: ErrorInfo("sender", "The Messaging Service may not use this name: register it, or use another sender."),
    21711: ErrorInfo("sender", "The sender is not in this Messaging Service: add it, or name the service that has it."),
    **alike("21708 21710 21712 21713 21714 21715", _POOL),
    21901: ErrorInfo("registration", "Correct the DLT template id that is registered in India."),
    21900: ErrorInfo("registration", "Correct the DLT entity id that is registered in India."),
    21910: ErrorInfo("sender", "`from` and `to` are of two channels: write whatsapp: (or rcs:, messenger:) at both."),
    30409: ErrorInfo("configuration", "The message has left the schedule: it can't be canceled any more."),
    **alike("35111 35114 35115 35116 35117", _SCHEDULE),
    35118: ErrorInfo("configuration", "Give a messaging_service_sid: only a Messaging Service schedules."),
    35125: ErrorInfo("rate_limit", "The account has as many scheduled messages as Twilio allows: send some first."),
    35126: ErrorInfo("configuration", "This channel can't be scheduled at Twilio: use not_before."),
    35127: ErrorInfo("template", "Give a body or content_variables, not both."),
}
