"""A product's calls to Twilio, by a tenant's ways to the hosts."""

from collections.abc import Callable, Mapping
from typing import Protocol

from services.domain.outbox.facts import Created, Unknown
from services.runtime.line import Line
from services.runtime.tenants.settings import TenantSettings
from services.sender.outbound import Request
from services.sender.transport import Refusal, Transport

Outcome = Created | Refusal | Unknown


class Caller(Protocol):
    """Makes the calls of one tenant."""

    async def make(self, host: str, request: Request, in_time: Callable[[], bool]) -> Outcome:
        """Post the request, and those that follow from its answer. `in_time`: whether one more may begin."""
        ...


class TwilioCaller:
    """One tenant's account. `urls`: each host's base URL in us1."""

    def __init__(self, tenant: TenantSettings, line: Line, urls: Mapping[str, str]) -> None:
        self._tenant = tenant
        self._line = line
        self._urls = urls
        self._transports: dict[str, Transport] = {}

    async def make(self, host: str, request: Request, in_time: Callable[[], bool]) -> Outcome:
        while True:
            end = request.answer(await self._to(host).post(request.path, request.form))
            if not isinstance(end, Request):
                return end
            if not in_time():
                # What was called so far created nothing: it begins anew, in its place.
                return Refusal(code=None, reason="its deadline passed between two calls", called=False)
            request = end

    def _to(self, host: str) -> Transport:
        found = self._transports.get(host)
        if found is None:
            found = self._transports[host] = Transport(self._tenant, self._line, self._urls[host])
        return found
