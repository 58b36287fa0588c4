"""From a request's bytes to its parameters, or to the reason why it is not believed. No I/O."""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from services.ingress import form, signature
from services.ingress.form import Pairs
from services.ingress.signature import Claim
from services.ingress.tenants import Tenant

_FORM = "application/x-www-form-urlencoded"
_JSON = "application/json"


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
    "path": Reason(404, "nothing is here: webhooks go to /twilio/{tenant}/messages, /status or /fallback"),
    "method": Reason(405, "use POST, or GET if Twilio is configured so", {"Allow": "POST, GET"}),
    "tenant": Reason(404, "no such tenant: check the webhook URL's path against the tenants in the settings"),
    "too_large": Reason(413, "the body is larger than ingress.max_body_bytes"),
    "slow": Reason(408, "the body did not come in time", {"Connection": "close"}),
    "content_type": Reason(415, f"send {_FORM}, or {_JSON} with bodySHA256 in the URL"),
    "malformed": Reason(400, "the body cannot be read: it must be form-encoded UTF-8, or a JSON object"),
    "signature": Reason(
        403,
        "signature does not match: check that public_url is exactly what Twilio calls and that the tenant's "
        "auth token is current",
    ),
    "unavailable": Reason(503, "neither Kafka nor the spool takes a fact now; try again", {"Retry-After": "5"}),
    "defect": Reason(500, "ingress failed; its log says why"),
}


def parameters(tenant: Tenant, claim: Claim, method: str, headers: Mapping[str, str], body: bytes) -> Pairs:
    """The verified parameters, in the order sent; for GET those of the query. Raises Rejected.

    Malformed is only what could not be verified either: what Twilio signed is kept, however odd.
    """
    if method == "GET":
        return _verified_query(tenant, claim)
    content_type = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if content_type == _FORM:
        return _verified_form(tenant, claim, body)
    if content_type == _JSON:
        return _verified_json(tenant, claim, body)
    raise Rejected("content_type")


def query(target: str) -> Pairs:
    """The query's parameters of a path and query as received."""
    text = target.partition("?")[2]
    return form.legible(form.parse(text.encode("utf-8", "surrogateescape")).pairs) if text else []


def _verified_form(tenant: Tenant, claim: Claim, body: bytes) -> Pairs:
    pairs, decodable = form.parse(body)
    if signature.form_is_authentic(claim, _tokens(tenant, pairs), pairs):
        return pairs if decodable else form.legible(pairs)
    raise Rejected("signature" if decodable else "malformed")


def _verified_query(tenant: Tenant, claim: Claim) -> Pairs:
    pairs = query(claim.target)
    # Twilio signs without separators: a POST's URL with its parameters run on is a GET's URL signed alike. But
    # the account is no parameter of that.
    owned = tenant.owns(next((value for name, value in pairs if name == "AccountSid"), ""))
    if owned and signature.form_is_authentic(claim, _tokens(tenant, pairs), []):
        return pairs
    raise Rejected("signature")


def _verified_json(tenant: Tenant, claim: Claim, body: bytes) -> Pairs:
    try:
        content = msgspec.json.decode(body, type=dict[str, object])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Rejected("malformed") from error
    pairs = [(name, _text(value)) for name, value in content.items()]
    if signature.body_is_authentic(claim, _tokens(tenant, pairs), body):
        return pairs
    raise Rejected("signature")


def _text(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _tokens(tenant: Tenant, pairs: Pairs) -> tuple[bytes, ...]:
    if not tenant.subaccounts:
        return tenant.tokens
    return tenant.tokens_of(next((value for name, value in pairs if name == "AccountSid"), ""))
