"""Calls to us that failed, and what we answered: 11xxx, 12xxx, 14xxx, 57xxx. Twilio's debugger tells most of them."""

from services.domain.codes.info import ErrorInfo, Table, alike

_TLS = ErrorInfo(
    "webhook", "Twilio does not accept public_url's TLS: check certificate, name, chain and expiry.", "house"
)
_OVERRIDES = ErrorInfo("webhook", "Correct what follows `#` in the webhook's URL: edges (e) or retries (rp).", "house")
_ANSWER = ErrorInfo(
    "webhook", "Answer an empty 2xx or TwiML as text/xml: check what stands between us and Twilio.", "house"
)
# Twilio tells it of answers of ours, and of media: as a refusal it is of the command's media, and stops nobody else.
_TYPE = ErrorInfo(
    "content",
    "Twilio takes no such Content-Type: have the media's host state a type that Twilio accepts; of a webhook's answer, "
    "look at what stands between us and Twilio.",
    of_media=True,
)
_TWIML = ErrorInfo(
    "webhook", "An automatic answer's TwiML is wrong: correct its address or text in the settings.", "house"
)

TABLE: Table = {
    11100: ErrorInfo("webhook", "The webhook's URL is no URL: correct it at the number, sender or service.", "house"),
    11200: ErrorInfo(
        "webhook", "Twilio got no good answer from the webhook: check that public_url answers 2xx in seconds.", "house"
    ),
    11201: ErrorInfo("webhook", "No TCP connection to the webhook in time: check firewall and address.", "house"),
    11202: ErrorInfo(
        "webhook", "The webhook's host refused the connection: check that ingress runs and its port.", "house"
    ),
    11203: ErrorInfo(
        "webhook", "All calls to the webhook took over 15 s: check that ingress answers at once.", "house"
    ),
    11205: ErrorInfo(
        "webhook", "Twilio could not connect to the webhook: check firewall, DNS and TLS of public_url.", "house"
    ),
    11206: ErrorInfo("webhook", "The webhook's answer is not HTTP: check what stands before ingress.", "house"),
    11210: ErrorInfo("webhook", "The webhook's host name is not in public DNS: correct it.", "house"),
    11215: ErrorInfo("webhook", "The webhook redirects in a circle: give Twilio the last address.", "house"),
    11216: ErrorInfo("webhook", "The webhook redirects to nowhere: give Twilio the last address.", "house"),
    11217: ErrorInfo("webhook", "The webhook answered 4xx or 5xx: look into the log of ingress.", "house"),
    **alike("11220 11235 11236 11237", _TLS),
    **alike("11240 11241 11242 11243", _OVERRIDES),
    11251: ErrorInfo("webhook", "The webhook's answer is not HTTP: check what stands before ingress.", "house"),
    **alike("11750 11770 12100 12101 12102 12200", _ANSWER),
    **alike("12300 12301", _TYPE),
    12400: ErrorInfo("twilio", "Twilio failed while it read our answer: look at its status page."),
    **alike("14101 14102 14103 14104 14105 14106 14108 14109 14110 14111", _TWIML),
    14107: ErrorInfo(
        "rate_limit", "More than 30 replies in 30 seconds between two numbers: look for a loop of automatic answers."
    ),
    57012: ErrorInfo(
        "webhook", "The signature does not fit: check public_url, and that the auth token is the primary one.", "house"
    ),
}
