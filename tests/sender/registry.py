"""The templates of `acme` at the simulated Twilio, and what a sender knows of them."""

from collections.abc import Mapping
from typing import Any

import aiohttp

from services.operations.synced import Compared, Wanted
from services.operations.synced import sync as synced
from services.operations.templates.reading import SYNCED
from tests.processes import settings_of
from tests.sender.conftest import House
from tests.sender.rig import SECRETS, Service
from tests.waiting import eventually

BODIES = {"en": "Hello {{1}}, your order is now on its way to you.", "de": "Hallo {{1}}, das Paket ist nun unterwegs."}
AUTH = {"Authorization": aiohttp.encode_basic_auth("AC" + "a" * 32, "first-token")}


class Registry:
    """The templates of `acme` at Twilio, and what the sender knows of them."""

    def __init__(self, house: House, sender: Service, session: aiohttp.ClientSession) -> None:
        self.url, self._session = f"http://127.0.0.1:{house.simulator_port}", session
        self._sender, self._settings = sender, settings_of(house.settings, **SECRETS)

    async def ask(self, method: str, path: str, content: Any) -> Mapping[str, Any]:
        async with self._session.request(method, f"{self.url}{path}", json=content, headers=AUTH) as answer:
            assert answer.status in (200, 201), await answer.text()
            found: Mapping[str, Any] = await answer.json()
            return found

    async def make(self, name: str, *languages: str) -> dict[str, str]:
        """Approved, in these languages: language → content sid. Synced, and known to the sender."""
        made = {}
        for language in languages:
            types = {"twilio/text": {"body": BODIES[language]}}
            given = {"language": language, "types": types, "variables": {"1": "Ada"}, "friendly_name": name}
            made[language] = str((await self.ask("POST", "/v1/Content", given))["sid"])
            asked = {"name": name, "category": "UTILITY"}
            await self.ask("POST", f"/v1/Content/{made[language]}/ApprovalRequests/whatsapp", asked)
            await self.ask("PUT", f"/simulator/templates/{made[language]}", {"status": "approved"})
        await self.sync()
        return made

    async def decide(self, sid: str, status: str) -> None:
        await self.ask("PUT", f"/simulator/templates/{sid}", {"status": status})
        await self.sync()

    async def sync(self) -> None:
        [found] = [one async for one in synced(self._settings, SYNCED, Wanted("acme"))]
        assert isinstance(found, Compared), found
        wanted = {one.state for one in found.listed}
        counts = {state: float(sum(one.state == state for one in found.listed)) for state in wanted}

        async def known() -> bool:
            return all([await self._told(state) == count for state, count in counts.items()])

        await eventually(known, 30, f"the sender tells of {counts}")

    async def _told(self, state: str) -> float:
        async with self._session.get(f"http://127.0.0.1:{self._sender.port}/metrics") as answer:
            lines = (await answer.text()).splitlines()
        named = f'switchboard_templates{{state="{state}",tenant="acme"}} '
        return next((float(line.removeprefix(named)) for line in lines if line.startswith(named)), 0.0)
