"""A simulated Twilio in this process, a real log, and what people do to them."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from pydantic import SecretStr

from services.contract import codec
from services.contract.audit import AUDIT
from services.domain.audit import Asker, Audited
from services.operations.calling import Account, accounts, each_account
from services.operations.changing import Change, Done, carry_out
from services.operations.webhooks.applying import WebhookHands
from services.operations.webhooks.owners import Owners
from services.operations.webhooks.planning import Plan, Rules, planned
from services.operations.webhooks.reading import endpoints
from services.runtime.clock import now
from services.runtime.config import Settings
from services.runtime.tenants.settings import TenantSettings
from tests.kafka_records import read_until

PUBLIC = "https://hooks.example.com"
ACME, GLOBEX = "AC" + "a" * 32, "AC" + "b" * 32
TOKEN = "a-token-of-the-tests"
SERVICE = "MG" + "d" * 32
ONE, TWO, CODE, WHATSAPP = "+14155550100", "+14155550101", "24680", "whatsapp:+14155550100"
RETRIES = "#rc=4&rp=5xx,ct,rt&rt=4000&tt=15000"
INBOUND, FALLBACK = f"{PUBLIC}/twilio/acme/messages{RETRIES}", f"{PUBLIC}/twilio/acme/fallback{RETRIES}"
GLOBEXS = f"{PUBLIC}/twilio/globex/messages{RETRIES}"
PERSON = Asker("ada", "a change of the tests")


def tenant(account: str, **more: Any) -> TenantSettings:
    return TenantSettings(
        account_sid=account, auth_tokens=[SecretStr(TOKEN)], contact_secret=SecretStr("a secret"), **more
    )


@dataclass
class House:
    """`settings` point at the simulator; `url` is where it answers."""

    settings: Settings
    session: aiohttp.ClientSession
    began: str = field(default_factory=now)

    @property
    def url(self) -> str:
        return self.settings.twilio.api

    async def put(self, path: str, content: Any) -> None:
        async with self.session.put(f"{self.url}/simulator/{path}", json=content) as answer:
            assert answer.status == 200, await answer.text()

    async def hold(self, account: str = ACME, **content: Any) -> None:
        """`senders`, `standing` or `alerts` of an account."""
        for what, told in content.items():
            await self.put(f"accounts/{account}/{what}", told)

    async def service(self, sid: str = SERVICE, **content: Any) -> None:
        await self.put(f"services/{sid}", {"account_sid": ACME, **content})

    def as_a_person_has_it(self) -> dict[str, Any]:
        """The same as a settings file says it, with `acme` alone."""
        kafka = self.settings.kafka
        acme = {
            "account_sid": ACME,
            "auth_tokens": [{"env": "TEST_AUTH_TOKEN"}],
            "contact_secret": {"env": "TEST_CONTACT_SECRET"},
        }
        return {
            "kafka": kafka.model_dump(include={"bootstrap", "partitions", "replication", "min_insync_replicas"}),
            "twilio": {"api": self.url},
            "tenants": {"acme": acme},
        }

    def accounts(self, *names: str) -> list[Account]:
        known = self.settings.tenants
        return [one for name in names or known for one in accounts(name, known[name], self.settings.twilio)]

    async def plan(self, *names: str, **rules: Any) -> Plan:
        tenants = self.settings.tenants
        asked = {name: tenants[name] for name in names or tenants}
        said = Rules(PUBLIC, Owners(tenants), asked=frozenset(asked), **rules)
        known = each_account(asked, self.settings.twilio)
        return await asyncio.to_thread(lambda: planned((one for each in known for one in endpoints(each)), said))

    async def carry(self, changes: Iterable[Change], told: Callable[[Done], None] = lambda _: None) -> list[Done]:
        hands = WebhookHands({one.sid: one for one in self.accounts()})
        return await carry_out(self.settings.kafka, tuple(changes), hands, PERSON, told)

    async def audited(self, *subjects: str) -> list[Audited]:
        """What the log says of these resources since the house began, once each has its end."""

        def read(records: list[Any]) -> list[Audited]:
            facts = [codec.decode(one.value, Audited) for one in records]
            return [one for one in facts if one.subject in subjects and one.at >= self.began]

        ends = lambda records: sum(one.action != "changing" for one in read(records)) >= len(subjects)  # noqa: E731
        return read(await read_until(self.settings.kafka.bootstrap, AUDIT.name, ends))
