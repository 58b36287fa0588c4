"""What an operator sees of refused webhooks: of each kind at most a line a second, numbers masked by the log."""

import logging
from time import monotonic

from services.ingress.reasons import Reason
from services.ingress.webhook import Call
from services.runtime.masking import unsteered

_log = logging.getLogger(__name__)
_EVERY_S = 1.0
# Of a URL: a stranger may send a long one.
_LONGEST = 300
# Where it was the signature that did not fit, the URL is compared with Twilio's. Else its query is nobody's to read: of
# a GET it is what somebody said.
_COMPARED = frozenset({"unsigned", "signature", "signing_key", "ambiguous"})


def addressed(target: str) -> tuple[str, str] | None:
    """The tenant ("" on the URL that all share) and the kind of webhook that a target names; None for any other."""
    _, *parts = target.partition("?")[0].rstrip("/").split("/")
    match parts:
        case ["twilio", kind]:
            return "", kind
        case ["twilio", tenant, kind] if tenant:
            return tenant, kind
    return None


class Refusals:
    """Tells of them. `public_url`: what Twilio calls, so what it signs begins with it."""

    def __init__(self, public_url: str) -> None:
        self._public_url = public_url
        self._told: dict[str, tuple[float, int]] = {}

    def tell(self, kind: str, reason: Reason, call: Call | None) -> None:
        """`call` is None where the head is not known any more."""
        told_at, kept_back = self._told.get(kind, (float("-inf"), 0))
        moment = monotonic()
        if moment - told_at < _EVERY_S:
            self._told[kind] = told_at, kept_back + 1
            return
        self._told[kind] = moment, 0
        more = f" (and {kept_back} more of this kind since the last line)" if kept_back else ""
        _log.warning("refused with %d, %s: %s%s%s", reason.status, kind, reason.text, self._whose(kind, call), more)

    def _whose(self, kind: str, call: Call | None) -> str:
        if call is None:
            return ""
        place = addressed(call.target)
        tenant = (place[0][:64] or "by AccountSid") if place else "none"
        compared = kind in _COMPARED
        url = f"{self._public_url}{call.target if compared else call.target.partition('?')[0]}"
        shown = url if len(url) <= _LONGEST else f"{url[:_LONGEST]}…"
        which = "as Twilio would have signed it" if compared else "it called"
        return unsteered(f"; tenant {tenant}; {which}: {call.method} {shown}")
