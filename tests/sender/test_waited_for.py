"""Tenants that come later, on a real Kafka: their commands wait, over a kill -9 too, and are sent once they are there.

One comes late; another is not whom the log knows until its former secret is put back. Nothing waits behind them.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from aiokafka import ConsumerRecord
from pydantic import SecretStr

from services.contract.fold import SENDER_APP, changelog
from services.embedded import ports
from services.runtime.sections.kafka import KafkaSettings
from services.runtime.tenants.known import KnownTenants
from services.runtime.tenants.settings import TenantSettings
from services.sender.messages.commands import COMMANDS
from tests.kafka_records import read_until
from tests.members import Members
from tests.processes import Service, running
from tests.sender.conftest import House
from tests.sender.rig import PARTITIONS, SECRETS, Desk
from tests.waiting import eventually

ACCOUNT = "AC" + "a" * 32
SECRET = SECRETS["SENDER_TEST_CONTACTS"]


class Worker:
    """A sender as it is run: it watches a folder of tenants."""

    def __init__(self, house: House, folder: Path) -> None:
        self.folder = folder
        self.tenants = folder / "tenants"
        self.tenants.mkdir()
        self._port = ports.pick()
        settings: dict[str, Any] = yaml.safe_load(house.settings.read_text())
        settings["tenants_dir"] = str(self.tenants)
        settings["sender"] |= {"port": self._port, "data_dir": str(folder / "data")}
        self._settings = folder / "settings.yaml"
        self._settings.write_text(yaml.safe_dump(settings))

    def running(self) -> AbstractContextManager[Service]:
        return running("sender", self._settings, self.folder, self._port, **SECRETS)

    def mount(self, name: str, secret: str) -> None:
        """A tenant's file, with its secret in another."""
        (self.folder / f"{name}-{len(secret)}").write_text(secret)
        content: Mapping[str, object] = {
            "account_sid": ACCOUNT,
            "auth_tokens": [{"env": "SENDER_TEST_TOKEN"}],
            "contact_secret": {"file": str(self.folder / f"{name}-{len(secret)}")},
        }
        (self.folder / "next").write_text(yaml.safe_dump(content))
        (self.folder / "next").rename(self.tenants / f"{name}.yaml")

    async def reasons(self) -> list[str]:
        """Why it is degraded."""
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{self._port}/readyz") as answer:
            return list((await answer.json())["reasons"])


async def parked(house: House, *tenants: str) -> None:
    """Wait until commands of these lie in the rows of what waits: who is killed now finds them there."""
    wanted = [f'"tenant":"{tenant}"'.encode() for tenant in tenants]

    def lie_there(rows: list[ConsumerRecord]) -> bool:
        return all(any(one in (row.value or b"") for row in rows) for one in wanted)

    await read_until(house.bootstrap, changelog(SENDER_APP, COMMANDS.parked), lie_there, 60)


async def test_commands_wait_for_their_tenant_over_a_kill_and_are_sent_once(
    house: House, desk: Desk, tmp_path: Path
) -> None:
    known = KnownTenants(KafkaSettings(bootstrap=house.bootstrap, partitions=PARTITIONS))
    former = TenantSettings(account_sid=ACCOUNT, auth_tokens=[SecretStr("t")], contact_secret=SecretStr(SECRET))
    assert await known.refusals({"changed": former}) == {}
    worker = Worker(house, tmp_path)
    worker.mount("changed", "another secret")
    members = Members(house.bootstrap, SENDER_APP)
    commands = [
        desk.command(f"{tenant}-{number}", 7000 + number + 10 * place, tenant=tenant)
        for place, tenant in enumerate(("late", "changed"))
        for number in range(3)
    ]
    with worker.running() as service:
        await eventually(service.ready, 90, "the sender is ready")
        [reason] = [one for one in await worker.reasons() if one.startswith("changed")]
        assert "contact_secret is not the one that this log knows" in reason
        waiting = await desk.produce(*commands)
        await parked(house, "late", "changed")
        members.joins(service.process)
        service.kill()
    members.free()
    with worker.running() as service:
        await eventually(service.ready, 90, "the sender is ready again")
        behind = await desk.produce(desk.command("behind", 7100))
        await desk.until(behind, "sent")
        assert [await desk.results(one) for one in waiting] == [[]] * len(waiting)
        worker.mount("late", SECRET)
        await desk.until(waiting[:3], "sent")
        assert [await desk.results(one) for one in waiting[3:]] == [[]] * 3
        worker.mount("changed", SECRET)
        await desk.until(waiting[3:], "sent")
        await desk.sent_once([*waiting, *behind])
        assert not [one for one in await worker.reasons() if one.startswith("changed")]
