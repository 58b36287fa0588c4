"""The services as processes, once for all cases, and what a case does with them."""

import asyncio
import json
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import orjson
import yaml
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from twilio.request_validator import RequestValidator

from services.contract.consent import CONSENT, CONSENT_COMMANDS
from services.contract.messages import DELIVERY, INBOUND, MESSAGES, NUMBERS, OUTCOMES, SESSIONS, STATUS
from services.contract.outbound import RESULTS
from tests.processes import SHOWN, Service, running, settings_file, wired
from tests.switchboard import Said, switchboard
from tests.waiting import eventually

_FOLLOWED = (CONSENT, DELIVERY, INBOUND, NUMBERS, OUTCOMES, RESULTS, SESSIONS, STATUS)
_CLOCK_READ_S = 0.3
TOKEN = "0123456789abcdef0123456789abcdef"
NUMBER = "+14155550100"
WHATSAPP = "whatsapp:+14155550100"
SERVICE = "MG" + "d" * 32
TEMPLATE = "HX" + "a" * 32


@dataclass
class House:
    """Where everything is. `log`: topic → its events so far, of all tenants."""

    settings: Path
    services: Mapping[str, Service]
    http: aiohttp.ClientSession
    producer: AIOKafkaProducer
    log: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    ahead_s: float = 0.0

    async def later(self, seconds: float) -> None:
        """Let time pass for all services. It never goes back."""
        self.ahead_s += seconds
        await self.twilio("PUT", "clock", {"ahead_s": self.ahead_s})
        # Each service reads the file of its own accord.
        await asyncio.sleep(_CLOCK_READ_S)

    async def twilio(self, method: str, route: str, body: Any = None) -> Any:
        """The simulator's own API."""
        url = f"{self.services['simulator'].url}/simulator/{route}"
        async with self.http.request(method, url, json=body) as answer:
            answer.raise_for_status()
            return await answer.json()

    async def cli(self, *words: str, code: int | None = 0) -> Said:
        return await switchboard(self.settings, *words, code=code)


@dataclass
class Tenant:
    """A case's own tenant, and what it does."""

    house: House
    name: str
    account: str

    async def post(self, kind: str, form: Mapping[str, str], **more: str) -> tuple[int, str]:
        """A signed webhook: status and body of the answer."""
        params = {"AccountSid": self.account, "MessageSid": sid(), "NumMedia": "0", **form, **more}
        url = f"{self.house.services['ingress'].url}/twilio/{self.name}/{kind}"
        signature = RequestValidator(TOKEN).compute_signature(url, params)
        headers = {"X-Twilio-Signature": signature}
        async with self.house.http.post(url, data=params, headers=headers) as answer:
            return answer.status, await answer.text()

    async def get(self, query: str, signed: str | None = None) -> int:
        """A signed GET of the message webhook; `signed`: the spelling of the query that the signature is over."""
        base = f"{self.house.services['ingress'].url}/twilio/{self.name}/messages"
        signature = RequestValidator(TOKEN).compute_signature(f"{base}?{query if signed is None else signed}", {})
        from yarl import URL

        async with self.house.http.get(
            URL(f"{base}?{query}", encoded=True), headers={"X-Twilio-Signature": signature}
        ) as answer:
            await answer.read()
            return answer.status

    async def hear(self, body: str, sender: str = "+14155550123", to: str = NUMBER, **more: str) -> str:
        """Somebody writes to us: the answer to the webhook."""
        status, answer = await self.post("messages", {"From": sender, "To": to, "Body": body}, **more)
        assert status == 200, answer
        return answer

    async def status(self, message: str, status: str, **more: str) -> None:
        form = {"MessageSid": message, "MessageStatus": status, **more}
        answered, text = await self.post("status", form)
        assert answered == 204, text

    async def produce(self, topic: str, value: Mapping[str, Any], key: str | None = None) -> None:
        await self.house.producer.send_and_wait(topic, orjson.dumps(dict(value)), key=key and key.encode())

    async def send(self, command_id: str, to: str, **more: Any) -> dict[str, Any]:
        """Produce a command; its terminal result."""
        await self.ask(command_id, to, **more)
        return await self.end(command_id)

    async def ask(self, command_id: str, to: str, **more: Any) -> None:
        """Produce a command, by default from our number of the channel, with a body where none is asked for."""
        given = {name.removesuffix("_"): value for name, value in more.items()}
        if "from" not in given and "messaging_service_sid" not in given:
            given["from"] = WHATSAPP if to.startswith("whatsapp:") else NUMBER
        if not {"body", "media_urls", "content_sid"} & set(given):
            given["body"] = "hello"
        await self.produce(MESSAGES.name, {"command_id": command_id, "tenant": self.name, "to": to, **given})

    async def consent(self, command_id: str, address: str, action: str, **more: Any) -> dict[str, Any]:
        command = {"command_id": command_id, "tenant": self.name, "address": address, "action": action, **more}
        await self.produce(CONSENT_COMMANDS.name, command)
        return await self.end(command_id)

    async def end(self, command_id: str) -> dict[str, Any]:
        """The terminal result of a command."""
        return await eventually(lambda: self._terminal(command_id), 30, f"an end of {command_id}")

    def _terminal(self, command_id: str) -> dict[str, Any] | None:
        return next((step for step in self.steps(command_id) if step["terminal"]), None)

    def steps(self, command_id: str) -> list[dict[str, Any]]:
        return [one for one in self.events(RESULTS.name) if one["command_id"] == command_id]

    def events(self, topic: str) -> list[dict[str, Any]]:
        """This tenant's events of a topic, so far."""
        return [one for one in self.house.log[topic] if one["tenant"] == self.name]

    async def seen(self, topic: str, **fields: Any) -> dict[str, Any]:
        """Wait for an event with these fields."""

        def found() -> dict[str, Any] | None:
            return next((one for one in self.events(topic) if fields.items() <= one.items()), None)

        return await eventually(found, 30, f"{fields} on {topic}")

    async def view(self, path: str) -> Any:
        """What the processor answers, or None."""
        async with self.house.http.get(f"{self.house.services['processor'].url}{path}", headers=SHOWN) as answer:
            return await answer.json() if answer.status == 200 else None

    async def created(self) -> list[dict[str, Any]]:
        """Messages that were created at the simulated Twilio for this tenant's commands."""
        messages = (await self.house.twilio("GET", "messages"))["messages"]
        return [
            one["resource"]
            for one in messages
            if one["origin"] == "api" and one["resource"]["account_sid"] == self.account
        ]


def sid() -> str:
    return "SM" + uuid.uuid4().hex


def escaped(text: str) -> str:
    return quote(text, safe="")


@asynccontextmanager
async def opened(folder: Path, bootstrap: str, tenants: Mapping[str, Mapping[str, Any]]) -> AsyncIterator[House]:
    """Everything ready. `tenants`: name → its settings beside account and secrets."""
    file = settings_file(folder, bootstrap)
    loaded = yaml.safe_load(file.read_text())
    ports = wired(loaded)
    loaded["clock_skew_file"] = str(folder / "clock")
    common = loaded["tenants"].pop("acme")
    loaded["tenants"] = {name: {**common, "account_sid": account_of(name), **more} for name, more in tenants.items()}
    file.write_text(yaml.safe_dump(loaded))
    await switchboard(file, "topics", "apply")
    with ExitStack() as stack:
        services = {name: stack.enter_context(running(name, file, folder, port)) for name, port in ports.items()}
        for name in ("ingress", "processor", "sender"):
            await eventually(services[name].ready, 60, f"{name} is ready")
        async with (
            aiohttp.ClientSession() as http,
            AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer,
        ):
            house = House(file, services, http, producer)
            following = asyncio.create_task(_follow(house, bootstrap))
            try:
                yield house
            finally:
                following.cancel()


def account_of(name: str) -> str:
    return "AC" + uuid.uuid5(uuid.NAMESPACE_DNS, name).hex


async def _follow(house: House, bootstrap: str) -> None:
    async with AIOKafkaConsumer(
        *(topic.name for topic in _FOLLOWED),
        bootstrap_servers=bootstrap,
        auto_offset_reset="earliest",
        group_id=None,
        isolation_level="read_committed",
    ) as consumer:
        async for record in consumer:
            if record.value:
                house.log[record.topic].append(json.loads(record.value))
