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
from tests.faults.follower import Follower
from tests.faults.house import House
from tests.faults.load import MESSAGES, Load

_LOOK_S = 0.5
# Callbacks come within seconds; what they did not settle by then, a person does.
_PERSON_AFTER_S = 8.0


class NoRestError(Exception):
    """Something still moves; the text says what."""


class Rest:
    """Asks Twilio and the senders, then reads the log."""

    def __init__(self, house: House, load: Load, follower: Follower) -> None:
        self._house = house
        self._load = load
        self._follower = follower
        self._resolved: set[str] = set()

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
        return None

    async def _settle(self) -> None:
        """Look at Twilio what became of ambiguous commands, as a person would, and say so."""
        waiting = {key: event for key, event in self._follower.ambiguous.items() if key not in self._resolved}
        if not waiting:
            return
        messages = (await self._house.twilio("GET", "messages"))["messages"]
        made = {_key_of(message): message["sid"] for message in messages}
        for key, event in waiting.items():
            sid = made.get(key)
            found = {"outcome": "sent", "message_sid": sid} if sid else {"outcome": "not_sent"}
            names = {name: event[name] for name in ("command_id", "tenant", "contact")}
            said = {"event_type": "resolve_ambiguous", **names, "by": "the fault bench", **found}
            await self._load.say(MESSAGES, json.dumps(said).encode(), event["command_id"])
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
