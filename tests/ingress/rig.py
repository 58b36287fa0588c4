"""An ingress to call as Twilio would, and the settings that it runs under."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
from pydantic import SecretStr
from yarl import URL

from services.embedded import ports
from services.ingress.main import run
from services.ingress.segments import Fact
from services.ingress.stamp import Stamp
from services.runtime.config import Settings
from services.runtime.sections.ingress import IngressSettings, SpoolSettings
from services.runtime.sections.kafka import KafkaSettings
from services.runtime.tenants.live import Tenants
from services.runtime.tenants.sections.keywords import KeywordSettings
from services.runtime.tenants.settings import TenantSettings
from tests.ingress.signing import (
    ACCOUNT,
    OTHER_TOKEN,
    SHARED_KEYS,
    SUBACCOUNT,
    SUBACCOUNT_TOKEN,
    TOKEN,
    Pairs,
    form,
    sign,
)
from tests.waiting import eventually

PUBLIC = "https://hooks.example.org/in"
SECRET = "contact secret"
FORM = "application/x-www-form-urlencoded"


def settings(directory: Path, bootstrap: str = "127.0.0.1:1", **ingress: Any) -> Settings:
    """One tenant, `acme`. Port 1 has no broker: facts go to the spool."""
    spool = SpoolSettings(directory=directory / "spool", max_bytes=ingress.pop("spool_bytes", 1 << 24))
    tenant = TenantSettings(
        account_sid=ACCOUNT,
        auth_tokens=[SecretStr(OTHER_TOKEN), SecretStr(TOKEN)],
        subaccounts={SUBACCOUNT: [SecretStr(SUBACCOUNT_TOKEN)]},
        signing_keys={key: SecretStr(secret) for key, secret in SHARED_KEYS.items()},
        contact_secret=SecretStr(SECRET),
        keywords=[
            KeywordSettings(name="help", says=["HELP"], reply="Call us & ask <anything>"),
            KeywordSettings(name="info", says=["info"], reply="We are ACME"),
            KeywordSettings(name="ticket", says=["TICKET {id}"], reply="Taken: {id}", tells=True),
        ],
    )
    return Settings(
        public_url=PUBLIC,
        kafka=KafkaSettings(bootstrap=bootstrap, replication=1, min_insync_replicas=1),
        tenants={"acme": tenant},
        ingress=IngressSettings(
            port=ports.pick(), operations_port=ports.pick(), spool=spool, **({"produce_deadline_s": 1.0} | ingress)
        ),
    )


class Log:
    """Takes every fact."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []

    def append(self, fact: Fact) -> "asyncio.Future[None]":
        self.facts.append(fact)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done


class Caller:
    """Twilio, as far as ingress sees it."""

    def __init__(self, session: aiohttp.ClientSession, base: str, operations: str) -> None:
        self._session = session
        self._base = base
        self._operations = operations

    async def call(
        self, target: str, body: bytes = b"", method: str = "POST", **headers: str
    ) -> tuple[int, str, Mapping[str, str]]:
        """Send a request as it is; returns status, text and headers."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        url = URL(self._base + target, encoded=True)
        async with self._session.request(method, url, data=body or None, headers=named) as response:
            return response.status, await response.text(), response.headers

    async def post(self, target: str, pairs: Pairs, **headers: str) -> int:
        """Send a signed form; returns the status. Who names no account is acme's own."""
        if "AccountSid" not in dict(pairs):
            pairs = [("AccountSid", ACCOUNT), *pairs]
        signed = {"X_Twilio_Signature": sign(PUBLIC + target, pairs), "Content_Type": FORM}
        status, _, _ = await self.call(target, form(pairs), **(signed | headers))
        return status

    async def ready(self) -> dict[str, Any]:
        async with self._session.get(f"{self._operations}/readyz") as response:
            answer: dict[str, Any] = await response.json()
            return answer | {"http": response.status}

    async def metrics(self) -> str:
        async with self._session.get(f"{self._operations}/metrics") as response:
            assert response.headers["Content-Type"].startswith("text/plain")
            return await response.text()

    async def connected(self) -> None:
        """Wait until facts go straight to Kafka."""
        await eventually(self._connected, 30, "ingress is connected to Kafka")

    async def _connected(self) -> bool:
        return bool((await self.ready())["kafka"] == "connected")

    async def up(self) -> None:
        await eventually(self._answers, 30, "ingress answers")

    async def _answers(self) -> bool:
        with contextlib.suppress(aiohttp.ClientConnectionError):
            return bool(await self.ready())
        return False


@contextlib.asynccontextmanager
async def calling(chosen: Settings) -> AsyncIterator[Caller]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(20)) as session:
        ingress = chosen.ingress
        caller = Caller(session, *(f"http://127.0.0.1:{port}" for port in (ingress.port, ingress.operations_port)))
        await caller.up()
        yield caller


@contextlib.asynccontextmanager
async def running(
    chosen: Settings, tenants: Tenants | None = None, stamp: Stamp | None = None
) -> AsyncIterator[Caller]:
    """An ingress in this process, ended in good order. `tenants`: others than the settings name."""
    stop = asyncio.Event()
    known = Tenants(chosen.tenants) if tenants is None else tenants
    task = asyncio.create_task(run(chosen, known, stop, stamp))
    try:
        async with calling(chosen) as caller:
            yield caller
    finally:
        stop.set()
        began = time.monotonic()
        await task
        assert time.monotonic() - began < 15
