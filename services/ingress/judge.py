"""From a request's bytes to its parameters, or to the reason why it is not believed. No I/O.

Twilio signs names and values run together, so one signature fits many requests: other methods, other cuts of the same
text. Hence each must name an account of the tenant's, in the way that its method has. Whose keys count is said by the
URL; or, on the URL that tenants share, by parameters that nobody vouches for yet.
"""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeVar

import msgspec

from services.ingress import form, signature
from services.ingress.form import Form, Pairs
from services.ingress.signature import Claim, Keys
from services.ingress.tenants import Tenant

_FORM = "application/x-www-form-urlencoded"
_JSON = "application/json"
# More than any webhook has; they are sorted before anybody vouches for them.
_MOST_PARAMETERS = 1000
# What the text that was signed always holds, where it was a GET's, and where it was a form's.
_OF_A_GET = re.compile(b"[?&]AccountSid=AC[0-9a-fA-F]{32}")
_OF_A_FORM = re.compile(b"AccountSidAC[0-9a-fA-F]{32}")


class _Named(msgspec.Struct):
    """All that is read of a JSON document before it is believed: what is passed over costs a hundredth.

    Strings alone are read: long numbers in their place would cost a thousand times what they do elsewhere.
    """

    AccountSid: msgspec.Raw = msgspec.Raw()
    From: msgspec.Raw = msgspec.Raw()
    MessagingServiceSid: msgspec.Raw = msgspec.Raw()
    To: msgspec.Raw = msgspec.Raw()


_NAMED = msgspec.json.Decoder(_Named)
_STRING = msgspec.json.Decoder(str)
_DOCUMENT = msgspec.json.Decoder(dict[str, object])
_T = TypeVar("_T")
# What a request says of its key: id and algorithm, or None where that cannot be read.
Signer = tuple[str, str] | None
# Whose request it is, by its parameters. Raises Rejected.
Whose = Callable[[Pairs], Tenant]


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
    "path": Reason(
        404, "nothing is here: webhooks go to /twilio/{tenant}/messages, /status or /fallback; or without a tenant"
    ),
    "method": Reason(405, "use POST, or GET if Twilio is configured so", {"Allow": "POST, GET"}),
    "tenant": Reason(404, "no such tenant: check the webhook URL's path against the tenants in the settings"),
    "no_account": Reason(404, "no tenant has this AccountSid: check it against the tenants in the settings"),
    "shared": Reason(
        404,
        "several tenants have this AccountSid: let exactly one of them list this sender (To; of a status From) or its "
        "service in allowed_senders, or give Twilio the URL with the tenant's name",
    ),
    "awaited": Reason(
        503, "the tenant's file or a secret of its cannot be read; /readyz says why", {"Retry-After": "5"}
    ),
    "too_large": Reason(413, "the body is larger than ingress.max_body_bytes"),
    "slow": Reason(408, "the body did not come in time", {"Connection": "close"}),
    "encoding": Reason(415, "send the body as it is, without Content-Encoding", {"Connection": "close"}),
    "parameters": Reason(413, f"more than {_MOST_PARAMETERS:,} parameters"),
    "content_type": Reason(415, f"send {_FORM}, or {_JSON} with bodySHA256 in the URL"),
    "malformed": Reason(400, "the body cannot be read: it must be form-encoded UTF-8, or a JSON object"),
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
    "account": Reason(403, "AccountSid must be the tenant's account or one of its subaccounts in the settings"),
    "ambiguous": Reason(403, "the signature may be that of another request: it fits a GET and a POST alike"),
    "unavailable": Reason(503, "neither Kafka nor the spool takes a fact now; try again", {"Retry-After": "5"}),
    "defect": Reason(500, "ingress failed; its log says why"),
}


class Believed(NamedTuple):
    """What Twilio said, and to whom."""

    tenant: Tenant
    pairs: Pairs


def parameters(whose: Whose, claim: Claim, method: str, headers: Mapping[str, str], body: bytes) -> Believed:
    """The verified parameters, in the order sent; for GET those of the query. Raises Rejected.

    Malformed is only what could not be verified either: what Twilio signed is kept, however odd.
    """
    signer = signature.settings(headers.get("X-Twilio-Webhooks-Signature-Settings", ""))
    if method == "GET":
        return _verified_query(whose, claim, signer)
    content_type = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if content_type == _FORM:
        return _verified_form(whose, claim, signer, body)
    if content_type == _JSON:
        return _verified_json(whose, claim, signer, body)
    raise Rejected("content_type")


def query(target: str) -> Pairs:
    """The query's parameters of a path and query as received. Raises Rejected where they are too many."""
    text = target.partition("?")[2]
    if not text:
        return []
    pairs, decodable = _parsed(text.encode("utf-8", "surrogateescape"))
    return pairs if decodable else form.legible(pairs)


def _parsed(body: bytes) -> Form:
    if body.count(b"&") >= _MOST_PARAMETERS:
        raise Rejected("parameters")
    try:
        return form.parse(body)
    except form.TooOdd as error:
        raise Rejected("malformed") from error


def _verified_form(whose: Whose, claim: Claim, signer: Signer, body: bytes) -> Believed:
    pairs, decodable = _parsed(body)
    tenant = whose(pairs)
    text = signature.signed_text(claim, _keys(tenant, signer, pairs), pairs)
    if text is None:
        raise Rejected("signature" if decodable else "malformed")
    if _OF_A_GET.search(text):
        raise Rejected("ambiguous")
    return Believed(tenant, pairs if decodable else form.legible(pairs))


def _verified_query(whose: Whose, claim: Claim, signer: Signer) -> Believed:
    pairs = query(claim.target)
    tenant = whose(pairs)
    text = signature.signed_text(claim, _keys(tenant, signer, pairs), [])
    if text is None:
        raise Rejected("signature")
    if _OF_A_FORM.search(text):
        raise Rejected("ambiguous")
    return Believed(tenant, pairs)


def _verified_json(whose: Whose, claim: Claim, signer: Signer, body: bytes) -> Believed:
    found = msgspec.structs.asdict(_read(_NAMED, body))
    named = [(name, _read(_STRING, value)) for name, value in found.items() if bytes(value).startswith(b'"')]
    tenant = whose(named)
    text = signature.signed_url(claim, _keys(tenant, signer, named), body)
    if text is None:
        raise Rejected("signature")
    if _OF_A_GET.search(text) or _OF_A_FORM.search(text):
        raise Rejected("ambiguous")
    content = _read(_DOCUMENT, body)
    if len(content) > _MOST_PARAMETERS:
        raise Rejected("parameters")
    return Believed(tenant, [(name, _text(value)) for name, value in content.items()])


def _read(decoder: "msgspec.json.Decoder[_T]", body: bytes | msgspec.Raw) -> _T:
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Rejected("malformed") from error


def _text(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _keys(tenant: Tenant, signer: Signer, pairs: Pairs) -> Keys:
    """Who may have signed. Raises Rejected for an account, a key or an algorithm that is none of the tenant's."""
    accounts = {value for name, value in pairs if name == "AccountSid"}
    if len(accounts) != 1 or not tenant.owns(account := accounts.pop()):
        raise Rejected("account")
    key, algorithm = signer or (None, "")
    if key == "" and algorithm == signature.SHA1:
        return tenant.tokens_of(account)
    if key in tenant.signing_keys and algorithm == signature.SHA256:
        return tenant.signing_keys[key]
    raise Rejected("signing_key")
