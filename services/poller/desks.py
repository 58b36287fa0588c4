"""Posts tickets to desks: signed, to the Internet alone unless a desk is of one's own network, and by the environment's
proxy as all calls are.

A redirect is no answer: what is signed for one host goes to no other.
"""

import hashlib
import hmac
from contextlib import AbstractAsyncContextManager
from typing import Literal, NamedTuple

import aiohttp
import msgspec

from services.domain.messages.events import KeywordHeard
from services.runtime.clock import CLOCK
from services.runtime.line import proxy_of
from services.runtime.strangers import Barred, Strangers
from services.runtime.tenants.sections.keywords import DeskSettings

_TIMEOUT_S = 10.0
_OK, _REDIRECT = 200, 300
SIGNATURE, TIMESTAMP, KEY = "Switchboard-Signature", "Switchboard-Timestamp", "Idempotency-Key"


class Answered(NamedTuple):
    """What came of a try. `refused`: an answer that is not 2xx; `failed`: none."""

    outcome: Literal["taken", "refused", "failed"]
    answer: str


class Desks:
    """Connections to desks. `strangers`: those to the Internet."""

    def __init__(self, strangers: Strangers | None = None) -> None:
        self._strangers = strangers or Strangers(_TIMEOUT_S)
        # To desks of one's own network.
        self._private = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S), cookie_jar=aiohttp.DummyCookieJar()
        )

    async def close(self) -> None:
        await self._private.close()
        await self._strangers.close()

    async def post(self, desk: DeskSettings, heard: KeywordHeard) -> Answered:
        body = msgspec.json.encode(heard)
        headers = signed(body, heard.event_id, desk.secret.get_secret_value(), CLOCK.milliseconds() // 1000)
        try:
            async with self._asked(desk, headers, body) as answered:
                status = answered.status
        except Barred as barred:
            return Answered("failed", f"its URL {barred}; set private: true for a desk of your own network")
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            # ValueError: of a host that no DNS can have.
            return Answered("failed", f"no answer ({type(error).__name__})")
        return Answered("taken" if _OK <= status < _REDIRECT else "refused", f"HTTP {status}")

    def _asked(
        self, desk: DeskSettings, headers: dict[str, str], body: bytes
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        if not desk.private:
            return self._strangers.asked_once("POST", desk.url, headers, body)
        return self._private.post(desk.url, data=body, headers=headers, proxy=proxy_of(desk.url), allow_redirects=False)


def signed(body: bytes, event_id: str, secret: str, at: int) -> dict[str, str]:
    """The headers of a delivery: the HMAC-SHA256 of time, a dot and the body, in hex."""
    digest = hmac.digest(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hex()
    return {
        "Content-Type": "application/json",
        SIGNATURE: f"v1={digest}",
        TIMESTAMP: str(at),
        KEY: event_id,
    }
