"""A voucher: a secret that the tenant and its flows share, as the password of HTTP basic authentication.

Studio's widget for HTTP requests takes credentials in its URL and sends no header of one's own. Whether Twilio signs
these requests nobody has confirmed, so a signature is neither asked for nor looked at.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable

from services.ingress import parameters
from services.ingress.parameters import Pairs
from services.ingress.reasons import Rejected
from services.ingress.webhook import Believed, Call, Whose

_SCHEME = "basic"


class SharedSecret:
    """It gives `Pairs`. The tenant is that of the URL: a secret says not whose it is."""

    def glance(self, call: Call) -> bytes:
        """The password that the head states. Raises Rejected."""
        scheme, _, stated = call.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != _SCHEME:
            raise Rejected("no_secret")
        try:
            credentials = base64.b64decode(stated.strip(), validate=True)
        except (binascii.Error, ValueError) as error:
            raise Rejected("no_secret") from error
        return credentials.partition(b":")[2]

    def believe(self, whose: Whose, call: Call, stated: bytes, body: bytes) -> Believed:
        """What was sent, in the order sent; of a GET its query. Raises Rejected."""
        tenant = whose([])
        if not _is_one_of(stated, tenant.flow_secrets):
            raise Rejected("secret")
        return Believed(tenant, _said(call, body))


def _said(call: Call, body: bytes) -> Pairs:
    match call.says:
        case "query":
            return parameters.query(call.target)
        case "form":
            return parameters.legible(parameters.form(body))
        case "json":
            return parameters.document(body)
        case _:
            raise Rejected("content_type")


def _is_one_of(stated: bytes, secrets: Iterable[bytes]) -> bool:
    """It takes as long for a near miss as for a far one, and as long for the second as for the first."""
    digest = hashlib.sha256(stated).digest()
    return sum([hmac.compare_digest(digest, hashlib.sha256(one).digest()) for one in secrets]) > 0
