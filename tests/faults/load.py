"""The known load: commands, right and wrong ones, people who write, stop, start and walk through a flow, and strangers;
all written down.

What producers were told is acknowledged, and what Twilio was answered, is one end of the comparison.
"""

import asyncio
import json
import random
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime
from typing import Any

import aiohttp
from multidict import MultiDict
from twilio.request_validator import RequestValidator

from services.checker.history import produced
from tests.faults import flows
from tests.faults.follower import Follower
from tests.faults.house import House, NotReadyError
from tests.faults.producing import Producing
from tests.faults.settings import ACCOUNT, FLOW_NUMBER, SECRETS, SMS, TENANT, WHATSAPP

MESSAGES, CONSENT = "twilio.outbound.messages.v1", "twilio.consent.commands.v1"
_TICK_S = 0.15
# Of whom every tenth says STOP now and then, and START.
_PEOPLE = 200
_FRIENDS = 40
_MALFORMED = (b'{"command_id": "cut off', b'["a list"]', b"\xff\xfe not text", b"", b"[" * 5000)
_TEMPLATE = "HX" + "c" * 32

Deed = Callable[[], Coroutine[Any, Any, None]]


class Load:
    """Plays until told to stop, at some seven deeds a second. `produced` and `posted` is what was acknowledged."""

    def __init__(self, house: House, follower: Follower, name: str, dice: random.Random) -> None:
        self._house = house
        self._follower = follower
        self._name = name
        self._dice = dice
        self._producing = Producing(house.kafka)
        self._count = 0
        self._under_way: set[asyncio.Task[None]] = set()
        self._failed: list[BaseException] = []
        self.produced: list[dict[str, Any]] = []
        self.posted: list[dict[str, Any]] = []
        # Ids of the commands that start executions.
        self.surveys: set[str] = set()
        # By key, of commands that somebody knows the end of: the steps that it may be.
        self._expected: dict[str, frozenset[str]] = {}
        self._deeds: tuple[tuple[int, Deed], ...] = (
            (60, self._plain),
            (8, self._freeform),
            (4, self._template),
            (3, self._twice),
            (2, self._same_id),
            (2, self._malformed),
            (3, self._faulty),
            (6, self._stop),
            (3, self._start),
            (3, self._opinion),
            (3, self._stranger),
            (3, self._chat),
            (4, self._survey),
            (3, self._answer),
        )

    async def open(self) -> None:
        """Let friends write first, so that free text may go to them by WhatsApp."""
        await asyncio.gather(*(self.write(friend(number), WHATSAPP, "Any news?") for number in range(_FRIENDS)))

    async def close(self) -> None:
        """Wait for what is under way: it is acknowledged in the end, as the broker is up again.

        Raises what went wrong with the load itself: then nothing is known.
        """
        await asyncio.gather(*self._under_way, return_exceptions=True)
        await self._producing.close()
        if self._failed:
            raise self._failed[0]

    async def run(self, enough: asyncio.Event) -> None:
        weights = [weight for weight, _ in self._deeds]
        while not enough.is_set():
            (_, deed) = self._dice.choices(self._deeds, weights)[0]
            task = asyncio.create_task(deed())
            self._under_way.add(task)
            task.add_done_callback(self._done)
            await asyncio.sleep(_TICK_S)

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._under_way.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failed.append(error)

    async def say(self, topic: str, value: bytes, key: str) -> None:
        """Produce a record; it is written down once it is acknowledged."""
        await self._producing.send(topic, key.encode(), value)
        self.produced.append(produced(topic, key.encode(), value))

    def command(self, to: str, **fields: Any) -> dict[str, Any]:
        """A command of this load's own."""
        self._count += 1
        return {"command_id": f"{self._name}-{self._count}", "tenant": TENANT, "to": to, **fields}

    async def send(self, command: dict[str, Any]) -> None:
        await self.say(MESSAGES, json.dumps(command).encode(), command["to"])

    async def expect(self, command: dict[str, Any], ends: frozenset[str]) -> None:
        """Send a command that may come to one of these ends only."""
        self._expected[_key(command)] = ends
        await self.send(command)

    async def settled(self, commands: Sequence[dict[str, Any]], deadline_s: float) -> int:
        """Wait until each has an end or is ambiguous; how many are ambiguous. Raises NotReadyError."""
        keys = [_key(command) for command in commands]
        if not await self._follower.until_settled(keys, deadline_s):
            raise NotReadyError(f"of {', '.join(keys)} some came to no end within {deadline_s:.0f} s")
        return sum(key in self._follower.ambiguous for key in keys)

    def surprises(self) -> list[str]:
        """What became of commands that it should not have become."""
        ends = {key: self._follower.ended.get(key, ("nothing", None))[0] for key in self._expected}
        return [
            f"{key} came to {ends[key]}, where only {' or '.join(sorted(may))} may be"
            for key, may in self._expected.items()
            if ends[key] not in may
        ]

    async def _plain(self) -> None:
        fields = {"from": SMS} if self._dice.random() < 0.5 else {}
        await self.send(self.command(self._person(), body="Your parcel arrives today.", **fields))

    async def _freeform(self) -> None:
        to = friend(self._dice.randrange(_FRIENDS))
        await self.send(self.command(to, **{"from": WHATSAPP}, body="It is on its way."))

    async def _template(self) -> None:
        to = friend(self._dice.randrange(_FRIENDS))
        await self.send(self.command(to, content_sid=_TEMPLATE, content_variables={"1": "Ada"}))

    async def _twice(self) -> None:
        command = self.command(self._person(), body="A producer that was restarted says it again.")
        await self.send(command)
        await self.send(command)

    async def _same_id(self) -> None:
        command = self.command(self._person(), body="The first of two.")
        await self.send(command)
        await self.send({**command, "body": "The second of two."})

    async def _malformed(self) -> None:
        self._count += 1
        await self.say(MESSAGES, self._dice.choice(_MALFORMED), f"{self._name}-{self._count}")

    async def _faulty(self) -> None:
        await self.send(self.command(self._person(), boddy="A field misspelt."))

    async def _stop(self) -> None:
        """A person says STOP, and is acknowledged; a command that comes then must never be sent."""
        person, own = self._quitter(), SMS
        if await self.write(person, own, self._dice.choice(("STOP", "stop.", " Unsubscribe ", "QUIT"))):
            await self.send(self.command(person, **{"from": own}, body="They asked us not to."))

    async def _start(self) -> None:
        await self.write(self._quitter(), SMS, "START")

    async def _opinion(self) -> None:
        """Consent by a form: on the log it is what the person wants now."""
        self._count += 1
        opinion = {
            "command_id": f"{self._name}-{self._count}",
            "tenant": TENANT,
            "address": person(self._dice.randrange(0, _PEOPLE, 10) + 5),
            "action": self._dice.choice(("opt_in", "opt_out")),
            "source": "a form",
            "proof": "box ticked",
        }
        await self.say(CONSENT, json.dumps(opinion).encode(), opinion["address"])

    async def _chat(self) -> None:
        await self.write(friend(self._dice.randrange(_FRIENDS)), WHATSAPP, "Thanks!")

    async def _survey(self) -> None:
        """Somebody is to walk through a flow; often they do already."""
        command = self.command(flows.somebody(self._dice))
        command |= flows.fields(command["command_id"], self._dice)
        self.surveys.add(command["command_id"])
        await self.say(flows.STARTS, json.dumps(command).encode(), command["to"])

    async def _answer(self) -> None:
        """Whether somebody is asked or not: a flow hears it, and nobody of ours."""
        await self.write(flows.somebody(self._dice), FLOW_NUMBER, flows.word(self._dice))

    async def _stranger(self) -> None:
        """Twilio tells of a message that nobody here knows, and somebody who is not Twilio tells of another."""
        sid = "SM" + self._dice.randbytes(16).hex()
        form = {
            "MessageSid": sid,
            "MessageStatus": "delivered",
            "AccountSid": ACCOUNT,
            "From": SMS,
            "To": self._person(),
        }
        url = f"{self._house.settings.public_url}/twilio/{TENANT}/status"
        signed = RequestValidator(SECRETS["FAULTS_TOKEN"]).compute_signature(url, MultiDict(form))
        for signature in (signed, "forged"):
            told = {**form, "MessageSid": sid if signature == signed else f"SM{'0' * 32}"}
            try:
                async with self._house.session.post(
                    url, data=told, headers={"X-Twilio-Signature": signature}
                ) as answer:
                    status: int | None = answer.status
            except (aiohttp.ClientError, TimeoutError):
                status = None
            self.posted.append(_posted(told, url, status))

    async def write(self, sender: str, to: str, body: str, account: str = ACCOUNT) -> bool:
        """Let a person write; whether we acknowledged it. Twilio gives up after its retries."""
        asked = {"account_sid": account, "from": sender, "to": to, "body": body}
        try:
            answer = await self._house.twilio("POST", "inbound", asked)
        except (aiohttp.ClientError, TimeoutError):
            return False
        return answer["status"] is not None and 200 <= answer["status"] < 300

    def _person(self) -> str:
        return person(self._dice.randrange(_PEOPLE))

    def _quitter(self) -> str:
        return person(self._dice.randrange(0, _PEOPLE, 10))


def _key(command: dict[str, Any]) -> str:
    return f"{command['tenant']}|{command['command_id']}"


def person(number: int) -> str:
    return f"+1202555{number:04d}"


def friend(number: int) -> str:
    return f"whatsapp:+1312555{number:04d}"


def _posted(form: dict[str, str], url: str, status: int | None) -> dict[str, Any]:
    """As the simulator writes down what it posts."""
    return {
        "kind": "status", "sid": form["MessageSid"], "status": form["MessageStatus"], "url": url, "params": form,
        "http_status": status, "attempts": 1, "error": None, "lost": False, "idempotency_token": "",
        "at": datetime.now(UTC).isoformat(),
    }  # fmt: skip
