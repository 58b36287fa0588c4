"""Posting to the user's endpoint as Twilio does: signed, pooled, retried as the URL asks, written down."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlencode, urlsplit

import aiohttp
from yarl import URL

from services.runtime.simulated import SignatureSettings
from services.simulator import moments
from services.simulator.accounts import Account
from services.simulator.forms import Form
from services.simulator.overrides import Failure, Overrides, split
from services.simulator.signing import signature_headers

# Posts under way at once. A slot is taken before the clock of the overrides starts, so that our own queue
# never looks like a slow endpoint.
_CONCURRENT = 256
# The kind of what never leaves Twilio.
OWN = "own"


@dataclass(frozen=True)
class Webhook:
    """What is to be posted. `kind`: status, inbound, or a product's own word; where Twilio itself takes it, such as a
    flow, `own`. `url` may carry connection overrides; the account signs."""

    kind: str
    sid: str
    status: str
    url: str
    account: Account
    form: Form


@dataclass(frozen=True)
class Delivery:
    """What became of a webhook. `http_status` is that of the last attempt, None when there was no answer."""

    webhook: Webhook
    attempts: int
    http_status: int | None
    content_type: str
    body: str
    error: str | None
    idempotency_token: str
    at: datetime

    @property
    def lost(self) -> bool:
        """Whether a fault swallowed it: it was never posted."""
        return self.attempts == 0

    @property
    def succeeded(self) -> bool:
        return self.http_status is not None and self.http_status < 400


@dataclass(frozen=True)
class _Attempt:
    http_status: int | None = None
    content_type: str = ""
    body: str = ""
    failure: Failure | None = None
    error: str | None = None


class Webhooks:
    """One pooled session for every webhook. Open it before use; `deliveries` grows until `forget`."""

    def __init__(self, signatures: SignatureSettings) -> None:
        self._signatures = signatures
        self.deliveries: list[Delivery] = []
        # Twilio's own hosts, such as those of its flows: what is posted there leaves nobody's house.
        self.own: dict[str, Callable[[Webhook], Awaitable[None]]] = {}
        self._slots = asyncio.Semaphore(_CONCURRENT)
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        # No limit in the pool: the slots are the limit.
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    def forget(self) -> None:
        self.deliveries = []

    async def post(self, webhook: Webhook, idempotency_token: str = "") -> Delivery:
        """Post until it succeeds or the overrides are used up. Never raises for what the endpoint does."""
        target, overrides = split(webhook.url)
        token = idempotency_token or secrets.token_hex(16)
        if urlsplit(target).hostname in self.own:
            webhook = replace(webhook, kind=OWN)
        async with self._slots:
            last, attempts = await self._attempts(target, webhook, token, overrides)
        delivery = Delivery(
            webhook,
            attempts,
            last.http_status,
            last.content_type,
            last.body,
            last.error,
            token,
            moments.now(),
        )
        self.deliveries.append(delivery)
        return delivery

    def lose(self, webhook: Webhook, idempotency_token: str = "") -> Delivery:
        """Write down a webhook that never left."""
        delivery = Delivery(webhook, 0, None, "", "", None, idempotency_token, moments.now())
        self.deliveries.append(delivery)
        return delivery

    async def _attempts(self, target: str, webhook: Webhook, token: str, overrides: Overrides) -> tuple[_Attempt, int]:
        clock = asyncio.get_running_loop().time
        deadline = clock() + overrides.total_s
        for count in range(1, overrides.retries + 2):  # noqa: B007 - counted for the record
            attempt = await self._attempt(target, webhook, token, overrides, deadline - clock())
            if attempt.failure is None or not overrides.retried(attempt.failure) or clock() >= deadline:
                break
        return attempt, count

    async def _attempt(
        self, target: str, webhook: Webhook, token: str, overrides: Overrides, left_s: float
    ) -> _Attempt:
        if (own := self.own.get(urlsplit(target).hostname or "")) is not None:
            await own(webhook)
            return _Attempt(200)
        if self._session is None:
            raise RuntimeError("open the webhooks before posting")
        timeout = aiohttp.ClientTimeout(
            total=max(left_s, 0.001), sock_connect=overrides.connect_s, sock_read=overrides.read_s
        )
        try:
            async with self._session.post(
                # As given: any normalisation would break the signature.
                URL(target, encoded=True),
                data=urlencode(webhook.form, encoding="utf-8").encode(),
                headers=self._headers(webhook, token),
                timeout=timeout,
                allow_redirects=False,
            ) as response:
                body = await response.text(errors="replace")
                return _Attempt(response.status, response.content_type, body, _class_of(response.status))
        except (aiohttp.SocketTimeoutError, aiohttp.ConnectionTimeoutError, TimeoutError) as error:
            connecting = isinstance(error, aiohttp.ConnectionTimeoutError)
            return _Attempt(failure="ct" if connecting else "rt", error=type(error).__name__)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # A connection that the endpoint closed under us counts as not made: nothing was answered.
            return _Attempt(failure="ct", error=f"{type(error).__name__}: {error}")

    def _headers(self, webhook: Webhook, token: str) -> dict[str, str]:
        return {
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
            "User-Agent": "TwilioProxy/1.1",
            "I-Twilio-Idempotency-Token": token,
            **signature_headers(self._signatures, webhook.account, webhook.url, webhook.form),
        }


def _class_of(status: int) -> Failure | None:
    if status >= 500:
        return "5xx"
    return "4xx" if status >= 400 else None
