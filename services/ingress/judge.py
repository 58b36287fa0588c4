"""From a request's bytes to its parameters, or to the reason why it is not believed. No I/O.

Twilio signs names and values run together, so one signature fits many requests: other methods, other cuts of the same
text. Hence each must name an account of the tenant's, in the way that its method has. Whose keys count is said by the
URL; or, on the URL that tenants share, by parameters that nobody vouches for yet.
"""

import re
from typing import TypeVar

import msgspec

from services.ingress import form, signature, spellings
from services.ingress.form import Form, Pairs
from services.ingress.reasons import MOST_PARAMETERS, Rejected
from services.ingress.signature import Claim, Keys
from services.ingress.tenants import Tenant
from services.ingress.webhook import Believed, Call, Whose

_FORM = "application/x-www-form-urlencoded"
_JSON = "application/json"
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


class TwilioSigned:
    """A voucher: Twilio's signature, by the tenant's auth tokens or shared keys. It gives `Pairs`."""

    def __init__(self, public_url: str) -> None:
        self._origins = spellings.origins(public_url)

    def glance(self, call: Call) -> bytes:
        """The digest that the head states. Raises Rejected."""
        if (signed := signature.digest(call.headers.get("X-Twilio-Signature", ""))) is None:
            raise Rejected("unsigned")
        return signed

    def believe(self, whose: Whose, call: Call, stated: bytes, body: bytes) -> Believed:
        """The verified parameters, in the order sent; for GET those of the query. Raises Rejected.

        Malformed is only what could not be verified either: what Twilio signed is kept, however odd.
        """
        claim = Claim(self._origins, call.target, stated)
        signer = signature.settings(call.headers.get("X-Twilio-Webhooks-Signature-Settings", ""))
        if call.method == "GET":
            return _verified_query(whose, claim, signer)
        content_type = call.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if content_type == _FORM:
            return _verified_form(whose, claim, signer, body)
        if content_type == _JSON:
            return _verified_json(whose, claim, signer, body)
        raise Rejected("content_type")


def said(call: Call, body: bytes) -> Pairs:
    """The parameters of a request that somebody else than Twilio's signature vouches for. Raises Rejected."""
    if call.method == "GET":
        return query(call.target)
    content_type = call.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if content_type == _FORM:
        pairs, decodable = _parsed(body)
        return pairs if decodable else form.legible(pairs)
    if content_type == _JSON:
        return _document(body)
    raise Rejected("content_type")


def query(target: str) -> Pairs:
    """The query's parameters of a path and query as received. Raises Rejected where they are too many."""
    text = target.partition("?")[2]
    if not text:
        return []
    pairs, decodable = _parsed(text.encode("utf-8", "surrogateescape"))
    return pairs if decodable else form.legible(pairs)


def _parsed(body: bytes) -> Form:
    if body.count(b"&") >= MOST_PARAMETERS:
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
    return Believed(tenant, _document(body))


def _document(body: bytes) -> Pairs:
    content = _read(_DOCUMENT, body)
    if len(content) > MOST_PARAMETERS:
        raise Rejected("parameters")
    return [(name, _text(value)) for name, value in content.items()]


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
