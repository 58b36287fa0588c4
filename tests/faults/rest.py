"""Waiting until nothing moves any more, with the one thing that only people can do: settling what stays ambiguous.

Then both ends are written down: every committed record, and what Twilio and the producers know.
"""

import asyncio
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
from aiokafka.errors import KafkaError

from services.checker.history import History, write_history
from services.operations.history import read_live
from services.runtime.section import ConfigError
from tests.faults import flows
from tests.faults.follower import Follower
from tests.faults.house import READ_EVERY_S, House
from tests.faults.load import MESSAGES, Load

_LOOK_S = 0.5
# Callbacks come within seconds; what they did not settle by then, a person does.
_PERSON_AFTER_S = 8.0
# What a reading takes by the clock that nobody moves.
_HASTEN_AFTER_S = 4.0


class NoRestError(Exception):
    """Something still moves; the text says what."""


class Rest:
    """Asks Twilio and the senders, then reads the log."""

    def __init__(self, house: House, load: Load, follower: Follower) -> None:
        self._house = house
        self._load = load
        self._follower = follower
        self._resolved: set[str] = set()
        self._hastened = float("-inf")

    async def history(self, deadline_s: float) -> History:
        """Both ends, once nothing moves. Raises NoRestError when something still does after so many seconds."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while True:
            if loop.time() - began > _PERSON_AFTER_S:
                await self._settle()
            try:
                if (moving := await self._moving()) is None:
                    history = await read_live(self._house.settings, lambda _done, _total: None, self._load.produced)
                    if history.witness is not None and history.settled:
                        callbacks = [*history.witness.callbacks, *self._load.posted]
                        return replace(history, witness=replace(history.witness, callbacks=callbacks))
                    moving = "the log grows, or is not folded to its end"
            except (KafkaError, ConfigError, aiohttp.ClientError, TimeoutError) as error:
                moving = f"cannot be asked: {error!r}"
            if loop.time() - began > deadline_s:
                raise NoRestError(f"no rest within {deadline_s:.0f} s: {moving}")
            await asyncio.sleep(_LOOK_S)

    async def _moving(self) -> str | None:
        if not (await self._house.twilio("GET", "quiet"))["quiet"]:
            return "Twilio has webhooks to post"
        for sender in self._house.of("sender"):
            told = await sender.ready(self._house.session)
            if told is None or told["open_commands"]:
                return f"{sender.name} has {told['open_commands'] if told else 'unknown'} open commands"
        executions = (await self._house.twilio("GET", "executions"))["executions"]
        callbacks = (await self._house.twilio("GET", "callbacks"))["callbacks"]
        going = [*flows.unread(executions, self._follower.executions), *flows.unheard(executions, callbacks)]
        if going:
            await self._hasten()
            return f"of flows {len(going)} are not read, or go on: {going[0]}"
        return None

    async def _hasten(self) -> None:
        """Let half a minute pass: each execution is read as often."""
        loop = asyncio.get_running_loop()
        if loop.time() - self._hastened < _HASTEN_AFTER_S:
            return
        self._hastened = loop.time()
        await self._house.later(READ_EVERY_S)

    async def _settle(self) -> None:
        """Look at Twilio what became of ambiguous commands, as a person would, and say so."""
        waiting = {key: event for key, event in self._follower.ambiguous.items() if key not in self._resolved}
        if not waiting:
            return
        messages = (await self._house.twilio("GET", "messages"))["messages"]
        sent = {_key_of(message): message["sid"] for message in messages}
        started = flows.made((await self._house.twilio("GET", "executions"))["executions"])
        for key, event in waiting.items():
            survey = event["command_id"] in self._load.surveys
            topic, kind = (flows.STARTS, "resolve_execution") if survey else (MESSAGES, "resolve_ambiguous")
            sid = started.get(event["command_id"]) if survey else sent.get(key)
            field = "execution_sid" if survey else "message_sid"
            found = {"outcome": "sent", field: sid} if sid else {"outcome": "not_sent"}
            names = {name: event[name] for name in ("command_id", "tenant", "contact")}
            said = {"event_type": kind, **names, "by": "the fault bench", **found}
            await self._load.say(topic, json.dumps(said).encode(), event["command_id"])
            self._resolved.add(key)


def keep(history: History, seed: str) -> Path:
    """Save a history that breaks a promise, for `switchboard check FOLDER`."""
    folder = Path(tempfile.gettempdir()) / f"switchboard-broken-{seed}"
    write_history(folder, history)
    return folder


def _key_of(message: dict[str, Any]) -> str:
    # …/twilio/{tenant}/status?c={command id}
    url = urlsplit(message["status_callback"] or "")
    return f"{url.path.rpartition('/')[0].rpartition('/')[2]}|{parse_qs(url.query).get('c', [''])[0]}"
