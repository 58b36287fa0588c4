"""Why a webhook is refused, and what its caller is told."""

from typing import NamedTuple

# More than any webhook has; they are sorted before anybody vouches for them.
MOST_PARAMETERS = 1000


class Rejected(Exception):
    """The request is refused; `reason` is a key of REASONS."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Reason(NamedTuple):
    """The HTTP status of a refusal, and what the caller is told. Nothing that was received is repeated."""

    status: int
    text: str
    headers: dict[str, str] | None = None


REASONS = {
    "path": Reason(404, "nothing is here: webhooks go to /twilio/{tenant}/messages and the like; or without a tenant"),
    "method": Reason(405, "use POST, or GET if Twilio is configured so", {"Allow": "POST, GET"}),
    "tenant": Reason(404, "no such tenant: check the webhook URL's path against the tenants in the settings"),
    "no_account": Reason(404, "no tenant has this AccountSid: check it against the tenants in the settings"),
    "shared": Reason(
        404,
        "several tenants have this AccountSid: let exactly one of them list this sender (To; of a status From) or its "
        "service in allowed_senders, or give Twilio the URL with the tenant's name",
    ),
    "awaited": Reason(
        503,
        "the tenant is in the settings, and cannot be used yet; /readyz of ingress says why",
        {"Retry-After": "5"},
    ),
    "too_large": Reason(
        413, "the body is larger than ingress.max_body_bytes; Twilio's are far smaller: check who called"
    ),
    "slow": Reason(408, "the body did not come in time", {"Connection": "close"}),
    "encoding": Reason(415, "send the body as it is, without Content-Encoding", {"Connection": "close"}),
    "parameters": Reason(413, f"more than {MOST_PARAMETERS:,} parameters"),
    "content_type": Reason(
        415, "send application/x-www-form-urlencoded, or application/json with bodySHA256 in the URL"
    ),
    "malformed": Reason(400, "the body cannot be read: it must be form-encoded UTF-8, or a JSON object"),
    "unsigned": Reason(
        403,
        "X-Twilio-Signature is missing, or is no signature: only what Twilio has signed is taken; check that nothing "
        "between Twilio and here drops the header",
    ),
    "signature": Reason(
        403,
        "signature does not match: check that public_url is exactly what Twilio calls and that the tenant's "
        "auth token is current",
    ),
    "signing_key": Reason(
        403,
        "X-Twilio-Webhooks-Signature-Settings names a key or an algorithm that is not ours: put the key under its id "
        "into the tenant's signing_keys; it signs by HMAC_SHA256",
    ),
    "no_secret": Reason(
        401,
        "a flow's HTTP widget gives the tenant's flow secret as the password in its URL: https://flow:SECRET@…",
        {"WWW-Authenticate": 'Basic realm="flow"'},
    ),
    "secret": Reason(403, "the password is none of the tenant's flow_secrets"),
    "account": Reason(403, "AccountSid must be the tenant's account or one of its subaccounts in the settings"),
    "ambiguous": Reason(403, "the signature may be that of another request: it fits a GET and a POST alike"),
    "unavailable": Reason(503, "neither Kafka nor the spool takes a fact now; try again", {"Retry-After": "5"}),
    "defect": Reason(500, "ingress failed; its log says why"),
}
