"""An account at Twilio, as the sender creates messages there: the product's call, by the engine's caller."""

from msgspec.structs import replace

from services.domain.gate.receipt import Receipt
from services.domain.messages.commands import CommandAccepted
from services.runtime.line import Line
from services.runtime.tenants.settings import TenantSettings
from services.sender.calling import TwilioCaller
from services.sender.messages.asking import ask
from services.sender.messages.creating import create
from services.sender.outbound import Call, Request
from services.sender.outcomes import Outcome
from tests.sender.histories import receipt


class Gateway:
    """`url`: of whatever speaks Twilio's API."""

    def __init__(self, tenant: TenantSettings, line: Line, url: str) -> None:
        self._tenant = tenant
        self._caller = TwilioCaller(tenant, line, {"api": url})

    async def create(self, command: CommandAccepted, status_callback: str | None, by: Receipt | None = None) -> Outcome:
        """Call Twilio once."""
        by = by or replace(receipt(), question=ask(command))
        request = create(Call(self._tenant, command, by), status_callback)
        if not isinstance(request, Request):
            return request
        return await self._caller.make("api", request, lambda: True)
