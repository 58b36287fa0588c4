"""Credentials rotate under load, by the steps of docs/tenants.md: no webhook is refused, and no call."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from services.domain.messages.callback import callback_query
from services.domain.messages.effects import MessageCreated
from services.embedded import ports
from services.ingress.main import run
from services.ingress.metrics import FACTS, STRANGE_CALLBACKS
from services.runtime.clock import now
from services.runtime.config import Settings
from services.runtime.line import Line
from services.runtime.sections.ingress import IngressSettings, SpoolSettings
from services.runtime.simulated import FaultSettings, SimulatorSettings
from services.runtime.tenants.derived import Derived
from services.runtime.tenants.files import TenantFiles
from services.runtime.tenants.live import Tenants
from services.runtime.tenants.watching import Watch
from services.sender.messages import status_urls
from services.sender.messages.status_urls import StatusUrls
from services.simulator.app import serve
from tests.sender.gateway import Gateway
from tests.sender.histories import accepted
from tests.waiting import eventually

# Some of them are under way at each step; as fast as they can they would take a core for it.
_PACE_S = 0.02
ACCOUNT, KEY, NEXT_KEY = "AC" + "a" * 32, "SK" + "1" * 32, "SK" + "2" * 32


class Account:
    """A tenant's file, its secrets, and the account at Twilio; people and senders use it all the while."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tenants = Tenants()
        (folder / "tenants").mkdir()
        self.watch = Watch(self.tenants, TenantFiles(dict, None, folder / "tenants"), every_s=0.05)
        self.statuses: list[int] = []
        self.outcomes: list[Any] = []
        self.url = ""
        self.urls: StatusUrls
        # By the time from which each signs.
        self.callback_keys: dict[str, str] = {}
        # Of the sender, another process than ingress.
        self.at_sender = Tenants()
        self.sender_watch = Watch(self.at_sender, TenantFiles(dict, None, folder / "tenants"), every_s=0.05)
        self._stop = asyncio.Event()

    async def write(self, tokens: list[str], **key: str) -> None:
        """Change the file, and wait until it counts."""
        self.put(tokens, **key)
        wanted = ([*tokens], next(iter(key), None), len(self.callback_keys))

        def counts() -> bool:
            acme = self.tenants["acme"]
            read = [one.get_secret_value() for one in acme.auth_tokens]
            return wanted == (read, acme.api_key_sid, len(acme.callback_keys))

        await eventually(counts, what="the file counts")

    def put(self, tokens: list[str], **key: str) -> None:
        """Change the file by a rename."""
        secrets = {name: self._secret(name, name) for name in (*tokens, "contacts", *key.values())}
        content: dict[str, Any] = {
            "account_sid": ACCOUNT,
            "auth_tokens": [secrets[name] for name in tokens],
            "contact_secret": secrets["contacts"],
        }
        content["callback_keys"] = {at: self._secret(name, name) for at, name in self.callback_keys.items()}
        for sid, secret in key.items():
            content |= {"api_key_sid": sid, "api_key_secret": secrets[secret]}
        (self.folder / "next").write_text(yaml.safe_dump(content))
        (self.folder / "next").rename(self.folder / "tenants" / "acme.yaml")

    def _secret(self, name: str, text: str) -> dict[str, str]:
        (self.folder / name).write_text(text)
        return {"file": str(self.folder / name)}

    async def at_twilio(self, tokens: list[str], **keys: str) -> None:
        async with (
            aiohttp.ClientSession() as session,
            session.put(
                f"{self.url}/simulator/accounts/{ACCOUNT}/credentials", json={"auth_tokens": tokens, "api_keys": keys}
            ) as answer,
        ):
            assert answer.status == 200, await answer.text()

    async def more(self, count: int = 10) -> None:
        """Let some more webhooks and calls end, that begin from now on."""
        webhooks, calls = len(self.statuses) + count, len(self.outcomes) + count
        await eventually(lambda: len(self.statuses) > webhooks and len(self.outcomes) > calls, 60)

    async def people(self) -> None:
        async with aiohttp.ClientSession() as session:
            said = {"account_sid": ACCOUNT, "from": "+14155550123", "to": "+14155550100", "body": "Hello"}
            while not self._stop.is_set():
                async with session.post(f"{self.url}/simulator/inbound", json=said) as answer:
                    self.statuses.append((await answer.json())["status"])
                await asyncio.sleep(_PACE_S)

    async def senders(self, line: Line) -> None:
        gateways = Derived(self.tenants, lambda _, tenant: Gateway(tenant, line, self.url))
        while not self._stop.is_set():
            self.outcomes.append(await gateways["acme"].create(accepted(), self._status()))
            await asyncio.sleep(_PACE_S)

    def _status(self) -> str:
        return self.urls.of(self.at_sender["acme"], accepted())

    async def signs(self, key: str) -> None:
        """Wait until callbacks are signed by this key."""
        query = callback_query(key.encode(), accepted().command_id, accepted().contact)
        await eventually(lambda: query in self._status(), 30, "it signs")

    def end(self) -> None:
        self._stop.set()


@asynccontextmanager
async def busy(account: Account) -> AsyncIterator[None]:
    port = ports.pick()
    url = f"http://127.0.0.1:{port}"
    settings = Settings(
        public_url=url,
        ingress=IngressSettings(
            port=port, operations_port=ports.pick(), spool=SpoolSettings(directory=account.folder / "spool")
        ),
        simulator=SimulatorSettings(port=0, webhook_url=url, faults=FaultSettings(latency_s=0.005)),
    )
    account.urls = StatusUrls(account.at_sender, url)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(account.watch.running())
        await stack.enter_async_context(account.sender_watch.running())
        account.url = await stack.enter_async_context(serve(settings, account.tenants))
        stop = asyncio.Event()
        line = Line(20.0, 4)
        stack.push_async_callback(line.close)
        ingress = asyncio.create_task(run(settings, account.tenants, stop))
        async with aiohttp.ClientSession() as session:

            async def up() -> bool:
                try:
                    async with session.get(f"{url}/twilio/acme/status") as answer:
                        return answer.status == 403
                except aiohttp.ClientError:
                    return False

            await eventually(up, 30, "ingress answers")
        working = [asyncio.create_task(one) for one in (account.people(), account.senders(line), account.senders(line))]
        try:
            yield
        finally:
            account.end()
            await asyncio.gather(*working)
            stop.set()
            await ingress


async def test_credentials_rotate_under_load_without_one_refusal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SWITCHBOARD_CONFIG", raising=False)
    monkeypatch.setattr(status_urls, "SPREADS_S", 2.0)
    account = Account(tmp_path)
    account.put(["old"])
    told, strange = FACTS.labels("acme", "status"), STRANGE_CALLBACKS.labels("acme")
    before = told._value.get(), strange._value.get()
    async with busy(account):
        await account.more()
        # An auth token.
        await account.at_twilio(["old", "new"])
        await account.write(["new", "old"])
        await account.more()
        await account.at_twilio(["new"])
        await account.more()
        await account.write(["new"])
        await account.more()
        # To an API key, and on to the next.
        await account.at_twilio(["new"], **{KEY: "first", NEXT_KEY: "second"})
        await account.write(["new"], **{KEY: "first"})
        await account.more()
        await account.write(["new"], **{NEXT_KEY: "second"})
        await account.more()
        await account.at_twilio(["new"], **{NEXT_KEY: "second"})
        await account.more()
        # From the contact secret to a key that signs callbacks, and to the next one; each is to sign at once.
        for key in ("signer-1", "signer-2"):
            account.callback_keys[now()] = key
            await account.write(["new"], **{NEXT_KEY: "second"})
            await account.signs(key)
            await account.more()
        await eventually(lambda: told._value.get() > before[0] + 50, 60, "callbacks come")
    assert strange._value.get() == before[1]
    assert set(account.statuses) == {200}
    assert {type(one) for one in account.outcomes} == {MessageCreated}
