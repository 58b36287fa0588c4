"""Credentials, the account, and the API itself: 10xxx and 20xxx."""

from services.domain.codes.info import ErrorInfo, Table, alike

_TOKEN = ErrorInfo("auth", "Make a new API key or access token; this one is malformed, expired or revoked.", "account")

TABLE: Table = {
    10001: ErrorInfo("auth", "The account is not active: add funds, or ask Twilio why it was closed.", "account"),
    20001: ErrorInfo("configuration", "Correct the parameter that Twilio names; it does not know it, or its value."),
    20002: ErrorInfo("configuration", "Give the resource a friendly name of 1 to 64 characters."),
    20003: ErrorInfo(
        "auth",
        "Check the account SID with its auth token, or the API key with its own secret; both belong to one account.",
        "account",
    ),
    20004: ErrorInfo("configuration", "The resource does not take this HTTP method: check base_url and any proxy."),
    20005: ErrorInfo("auth", "The account is not active: add funds, or ask Twilio why it was closed.", "account"),
    20006: ErrorInfo("auth", "The key may not do this: use one with more rights, or the auth token.", "account"),
    20007: ErrorInfo("configuration", "Ask for at most 1,000 entries a page."),
    20008: ErrorInfo("auth", "Test credentials send nothing: use the live account SID and token.", "account"),
    20009: ErrorInfo("configuration", "Wait until the message has ended, then delete it."),
    20010: ErrorInfo("auth", "Twilio disabled this action for the account: ask its support.", "account"),
    20011: ErrorInfo("configuration", "Call with TLS 1.2 or newer: check the proxy on the way to Twilio.", "house"),
    20012: ErrorInfo("configuration", "Offer a modern TLS cipher: check the proxy on the way to Twilio.", "house"),
    **alike("20101 20102 20103 20104 20105 20106 20107 20151 20152 20153 20154", _TOKEN),
    **alike("20155 20156 20157 20159 20160", _TOKEN),
    20403: ErrorInfo("auth", "The account or the key may not do this: check its rights, and that it is active."),
    20404: ErrorInfo(
        "configuration",
        "The resource does not exist in this account: check the SID and which account the credentials belong to.",
    ),
    20409: ErrorInfo("configuration", "Something else changed the resource meanwhile: read it again, then decide."),
    20410: ErrorInfo("configuration", "Twilio ended this API: check base_url."),
    20413: ErrorInfo("content", "Make the request smaller: shorten the body or the variables."),
    20422: ErrorInfo("configuration", "Correct the parameter that Twilio names."),
    20423: ErrorInfo("configuration", "Correct the SID that Twilio names: two letters and 32 hexadecimal digits."),
    20426: ErrorInfo("configuration", "Call over HTTPS: check base_url.", "house"),
    20429: ErrorInfo(
        "rate_limit",
        "Send slower: lower rate_limits or concurrency, or spread over a Messaging Service's senders.",
        retryable=True,
    ),
    20500: ErrorInfo("twilio", "Twilio failed inside: look at its status page, then settle what is ambiguous."),
    20503: ErrorInfo("twilio", "Twilio was not available: look at its status page, then settle what is ambiguous."),
    20504: ErrorInfo("twilio", "Twilio did not answer itself in time: look at its status page."),
    21101: ErrorInfo("configuration", "A subaccount cannot have subaccounts: make it under the main account."),
    21479: ErrorInfo("configuration", "The subaccount is closed, which is final: make a new one."),
    21480: ErrorInfo(
        "configuration", "The account has as many subaccounts as Twilio allows: ask its support for more."
    ),
    # Of a data package of Lookup: it stands in the package, and the answer is 200.
    **alike("60600 60610", ErrorInfo("configuration", "Lookup has no such data of this number: go on without it.")),
    60601: ErrorInfo("configuration", "Ask Twilio for Canada's data (NPAC); without it, leave Canada out of lookup."),
    60606: ErrorInfo("configuration", "Have Twilio enable Lookup's line type intelligence for the account."),
    60607: ErrorInfo("configuration", "Lookup has no such data of this number's country: go on without it."),
    **alike(
        "60614 60619",
        ErrorInfo(
            "configuration", "Lookup answers this in another region of Twilio's alone: leave those countries out."
        ),
    ),
}
