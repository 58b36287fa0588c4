"""A product's calls to Twilio, by a tenant's ways to the hosts."""

from collections.abc import Callable, Mapping
from typing import Protocol

from services.domain.outbox.facts import Created, Unknown
from services.runtime.failpoints import reach
from services.runtime.line import Line
from services.runtime.tenants.settings import TenantSettings
from services.sender.outbound import Request
from services.sender.transport import Refusal, Transport

Outcome = Created | Refusal | Unknown

# Of one attempt.
_MOST_CALLS = 4


class Caller(Protocol):
    """Makes the calls of one tenant."""

    async def make(self, host: str, request: Request, may_go: Callable[[], bool]) -> Outcome:
        """Post the request, and those that follow from its answer. `may_go`: whether one more may begin now."""
        ...


class TwilioCaller:
    """One tenant's account. `urls`: each host's base URL in us1."""

    def __init__(self, tenant: TenantSettings, line: Line, urls: Mapping[str, str]) -> None:
        self._tenant = tenant
        self._line = line
        self._urls = urls
        self._transports: dict[str, Transport] = {}

    async def make(self, host: str, request: Request, may_go: Callable[[], bool]) -> Outcome:
        for _ in range(_MOST_CALLS):
            transport = self._to(request.host or host)
            end = request.answer(await transport.call(request.method, request.path, request.form, request.json))
            if not isinstance(end, Request):
                return end
            reach("call.followed")
            if not may_go():
                return _given_back("its deadline passed, or the gate closed, between two calls")
            request = end
        return _given_back(f"{_MOST_CALLS} calls did not bring it to an end")

    def _to(self, host: str) -> Transport:
        found = self._transports.get(host)
        if found is None:
            found = self._transports[host] = Transport(self._tenant, self._line, self._urls[host])
        return found


def _given_back(reason: str) -> Refusal:
    """What was called so far created nothing, and is not called again at once: its host may be slow."""
    return Refusal(code=None, reason=reason, retryable=True)
