"""Error codes that the catalogue does not know: counted by code for /metrics, and named in the log once."""

import logging

from prometheus_client import Counter

from services.domain.errors import CATALOGUE

logger = logging.getLogger(__name__)

UNKNOWN_CODES = Counter(
    "switchboard_unknown_error_codes_total", "Errors of Twilio's that the catalogue does not know, by code", ["code"]
)
# Codes are Twilio's to choose, and a callback's text: what comes beyond so many is counted together.
_MOST = 100
_OTHER = "other"
_seen: set[int] = set()


def notice(code: int | None) -> None:
    """Count a code that is not in the catalogue; no other, and no error without a code."""
    if code is None or code in CATALOGUE:
        return
    if code not in _seen and len(_seen) < _MOST:
        _seen.add(code)
        logger.warning(
            "error code %d is not in the catalogue: look at https://www.twilio.com/docs/api/errors/%d", code, code
        )
    UNKNOWN_CODES.labels(str(code) if code in _seen else _OTHER).inc()
