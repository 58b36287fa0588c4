"""Opt-outs and windows by what is known of our senders, through all services as processes: webhooks in, results out."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import orjson
import pytest
import yaml

from services.contract.messages import MESSAGES
from services.contract.outbound import RESULTS
from services.contract.senders import SENDERS
from tests.environment import SharedBroker
from tests.ingress.signing import sign
from tests.kafka_records import produce, read_until
from tests.processes import ACCOUNT, SECRETS, running, settings_file, settings_of, wired
from tests.switchboard import switchboard
from tests.waiting import eventually

MG = "MG" + "d" * 32
ONE, TWO, AGENT = "+14155550100", "+14155550101", "rcs:acme_agent"
WHATSAPP, SECOND = f"whatsapp:{ONE}", f"whatsapp:{TWO}"


class House:
    """What Twilio would call, and what producers see."""

    def __init__(self, settings: Path, bootstrap: str, session: aiohttp.ClientSession) -> None:
        loaded = yaml.safe_load(settings.read_text())
        self.settings, self._bootstrap, self._session = settings, bootstrap, session
        self._url, self._clock = loaded["public_url"], Path(loaded["clock_skew_file"])
        self._simulator = loaded["twilio"]["api"]

    async def post(self, kind: str, **form: str) -> None:
        """A webhook as Twilio signs it."""
        named = {"AccountSid": ACCOUNT, "MessageSid": f"SM{uuid.uuid4().hex}", **form}
        url = f"{self._url}/twilio/acme/{kind}"
        headers = {
            "X-Twilio-Signature": sign(url, named.items(), SECRETS["TEST_AUTH_TOKEN"]),
            "Content-Type": "application/x-www-form-urlencoded",
        }
        async with self._session.post(url, data=urlencode(named), headers=headers) as answer:
            assert answer.status < 300, await answer.text()

    async def writes(self, ours: str, body: str, person: str, service: str = "") -> None:
        channel, colon, _ = ours.rpartition(":")
        sender = f"{channel}{colon}{person}"
        await self.post("messages", From=sender, To=ours, Body=body, NumMedia="0", MessagingServiceSid=service)

    async def knows(self, *pairs: tuple[str, str]) -> None:
        """Status callbacks have named these together, and it is known."""
        for sender, service in pairs:
            to = "whatsapp:+14155550199" if sender.startswith("whatsapp:") else "+14155550199"
            await self.post("status", MessageStatus="delivered", From=sender, To=to, MessagingServiceSid=service)

        def told(records: list[Any]) -> bool:
            seen = [orjson.loads(record.value)["senders"] for record in records]
            return all(any(mg in part.get(name, {"services": {}})["services"] for part in seen) for name, mg in pairs)

        await read_until(self._bootstrap, SENDERS.name, told)
        # The topic's followers poll it.
        await asyncio.sleep(0.7)

    async def send(self, command_id: str, to: str, **fields: str) -> dict[str, Any]:
        """The terminal result of a command."""
        command = {"command_id": command_id, "tenant": "acme", "to": to, "body": "hi", **fields}
        await produce(self._bootstrap, MESSAGES.name, [(None, orjson.dumps(command))])

        def ended(records: list[Any]) -> dict[str, Any] | None:
            results = [orjson.loads(record.value) for record in records]
            ends = [one for one in results if one["command_id"] == command_id and one["terminal"]]
            return ends[0] if ends else None

        found = await read_until(self._bootstrap, RESULTS.name, lambda records: ended(records) is not None, 30)
        return ended(found) or {}

    def later(self, seconds: float) -> None:
        ahead = float(self._clock.read_text() or 0) if self._clock.exists() else 0.0
        self._clock.write_text(str(ahead + seconds))

    async def created(self, command_id: str) -> dict[str, Any]:
        """The parameters of the create call for a command."""
        async with self._session.get(f"{self._simulator}/simulator/messages") as answer:
            messages = (await answer.json())["messages"]
        [found] = [one for one in messages if f"c={command_id}&" in (one["status_callback"] or "")]
        return dict(found["params"])


@pytest.fixture(scope="module")
def settings(shared: SharedBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    folder = tmp_path_factory.mktemp("services")
    file = settings_file(folder, shared.bootstrap)
    loaded = yaml.safe_load(file.read_text())
    ports = wired(loaded)
    loaded["clock_skew_file"] = str(folder / "clock")
    # What Twilio knows is not what is looked at here, and it calls nobody.
    loaded["simulator"]["faults"] = {"callback_lost": 1.0}
    file.write_text(yaml.safe_dump(loaded))
    shared.laid_out(settings_of(file))
    with ExitStack() as stack:
        services = {name: stack.enter_context(running(name, file, folder, port)) for name, port in ports.items()}
        for name in ("ingress", "processor", "sender"):
            asyncio.run(eventually(services[name].ready, 60, f"{name} is ready"))
        yield file, shared.bootstrap


@pytest.fixture
async def house(settings: tuple[Path, str]) -> AsyncIterator[House]:
    async with aiohttp.ClientSession() as session:
        yield House(*settings, session)


async def test_a_stop_to_a_service_stops_its_numbers_and_a_start_at_a_sibling_lifts_it_for_all(house: House) -> None:
    person, other = "+14155560123", "+14155560124"
    await house.knows((ONE, MG), (TWO, MG))
    await house.writes(AGENT, "STOP", person, MG)
    await house.writes(ONE, "STOP", other)
    for number, who in enumerate((person, other)):
        blocked = await house.send(f"sib-1-{number}", who, **{"from": TWO})
        assert (blocked["step"], blocked["category"]) == ("blocked", "suppressed"), blocked
    assert MG in blocked["reason"]
    shown = await switchboard(house.settings, "why", f"sib-1-{number}")
    assert "holds by" in shown.text
    contact = await switchboard(house.settings, "contact", other)
    assert TWO in contact.text
    house.later(120)
    for who in (person, other):
        await house.writes(TWO, "START", who, MG)
        assert (await house.send(f"sib-2-{who}", who, messaging_service_sid=MG))["step"] == "sent"
        assert (await house.send(f"sib-3-{who}", who, **{"from": ONE}))["step"] == "sent"


async def test_a_window_is_found_by_the_service_that_the_number_is_in(house: House) -> None:
    person = "whatsapp:+14155560125"
    await house.writes(WHATSAPP, "hi", "+14155560125")
    unknown = await house.send("win-0", person, messaging_service_sid="MG" + "f" * 32)
    assert (unknown["step"], unknown["category"]) == ("blocked", "window_closed")
    assert "is not known" in unknown["reason"]
    await house.knows((WHATSAPP, MG), (SECOND, MG))
    sent = await house.send("win-1", person, messaging_service_sid=MG)
    assert sent["step"] == "sent", sent
    # Of two numbers of the service it goes from the one that they wrote to.
    said = await house.created("win-1")
    assert (said["From"], said["MessagingServiceSid"]) == (WHATSAPP, MG)
    silent = await house.send("win-2", "whatsapp:+14155560126", messaging_service_sid=MG)
    assert "has not written" in silent["reason"]


async def test_63016_closes_the_window_until_they_write_again(house: House) -> None:
    person, name = "whatsapp:+14155560127", "+14155560127"
    by = {"from": WHATSAPP}
    await house.writes(WHATSAPP, "hi", name)
    assert (await house.send("late-1", person, **by))["step"] == "sent"
    await house.post("status", MessageStatus="undelivered", ErrorCode="63016", From=WHATSAPP, To=person)

    async def closed() -> bool:
        """The outcome is told by the processor, some tenths of a second later."""
        closed.number += 1  # type: ignore[attr-defined]
        end = await house.send(f"late-2-{closed.number}", person, **by)  # type: ignore[attr-defined]
        return (end["category"], "63016" in (end["reason"] or "")) == ("window_closed", True)

    closed.number = 0  # type: ignore[attr-defined]
    await eventually(closed, what="the window is closed")
    await house.writes(WHATSAPP, "hello again", name)
    assert (await house.send("late-3", person, **by))["step"] == "sent"
