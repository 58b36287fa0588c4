"""What an operator sees of refused webhooks: of each kind at most a line a second, numbers masked by the log."""

import logging

from services.ingress.reasons import Reason
from services.ingress.webhook import Call, addressed
from services.runtime.masking import unsteered
from services.runtime.sparing import Sparing, and_more

_log = logging.getLogger(__name__)
# Of a URL: a stranger may send a long one.
_LONGEST = 300
# Where it was the signature that did not fit, the URL is compared with Twilio's. Else its query is nobody's to read: of
# a GET it is what somebody said.
_COMPARED = frozenset({"unsigned", "signature", "signing_key", "ambiguous"})


class Refusals:
    """Tells of them. `public_url`: what Twilio calls, so what it signs begins with it."""

    def __init__(self, public_url: str) -> None:
        self._public_url = public_url
        self._sparing = Sparing()

    def tell(self, kind: str, reason: Reason, call: Call | None) -> None:
        """`call` is None where the head is not known any more."""
        if (kept_back := self._sparing.kept_back(kind)) is None:
            return
        more = and_more(kept_back)
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
