"""A command that is no JSON, mended by hand and retried, through the real sender: sent once, however often retried."""

import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from services.contract.messages import MESSAGES
from services.contract.outbound import RESULTS
from tests.kafka_records import produce
from tests.processes import running
from tests.switchboard import switchboard
from tests.waiting import eventually

from .rig import House, fresh_key, on_the_log


@pytest.mark.slow
async def test_an_undecodable_command_is_mended_retried_and_sent_once(house: House, tmp_path: Path) -> None:
    command_id = fresh_key()
    command = {"command_id": command_id, "tenant": "acme", "to": "+14155550123", "from": "+14155550100", "body": "hi"}
    whole = json.dumps(command).encode()
    settings = yaml.safe_load(house.settings.read_text())
    settings["twilio"] = {"api": f"http://127.0.0.1:{settings['simulator']['port']}"}
    settings["public_url"] = "http://127.0.0.1:9"
    settings["simulator"]["faults"] = {"callback_lost": 1.0}
    file = tmp_path / "switchboard.yaml"
    file.write_text(yaml.safe_dump(settings))
    ports = {name: settings[name]["port"] for name in ("simulator", "sender")}
    with (
        running("simulator", file, tmp_path, ports["simulator"]) as twilio,
        running("sender", file, tmp_path, ports["sender"]) as sender,
    ):
        await eventually(sender.ready, 60, "the sender is ready")
        await produce(house.bootstrap, MESSAGES.name, [(command_id.encode(), whole[:-1])])

        async def letters() -> list[Any]:
            return await on_the_log(house, MESSAGES.dead, command_id)

        [letter] = await eventually(letters, 30, "it is a dead letter")
        headers = dict(letter.headers)
        name = "{}/{}@{}".format(*(headers[f"source-{of}"].decode() for of in ("topic", "partition", "offset")))
        raw = tmp_path / "raw"
        await switchboard(file, "dead", "show", name, "--raw", str(raw))
        assert raw.read_bytes() == whole[:-1]
        raw.write_bytes(raw.read_bytes() + b"}")

        # As often as anybody insists.
        for words in ([], ["--again"]):
            await switchboard(file, "dead", "retry", name, "--value", str(raw), "--apply", *words)
        await produce(
            house.bootstrap, MESSAGES.name, [(b"x", json.dumps(command | {"command_id": f"{command_id}-2"}).encode())]
        )

        async def steps(of: str) -> list[str]:
            # What was no command was nobody's: its result is told under its id alone.
            keys = {f"{tenant}|{of}".encode() for tenant in ("", "acme")}
            found = [record for record in await on_the_log(house, RESULTS) if record.key in keys]
            return [json.loads(record.value)["step"] for record in found]

        async def ended() -> bool:
            # That it was no command was told under the record's key. Retried twice, it was produced twice.
            assert sorted(await steps(command_id)) == ["accepted", "attempted", "rejected", "repeated", "sent"]
            assert "sent" in await steps(f"{command_id}-2")
            return True

        await eventually(ended, 60, "both commands are sent")
        async with aiohttp.ClientSession() as session, session.get(f"{twilio.url}/simulator/messages") as answer:
            assert len((await answer.json())["messages"]) == 2
        assert len(await letters()) == 1
