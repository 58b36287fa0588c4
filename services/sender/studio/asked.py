"""One tenant's executions at Twilio, one by one; by the twilio package in threads, since it is asked seldom."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from services.domain.clock import to_iso
from services.domain.studio.finding import Shown
from services.runtime.config import Settings
from services.runtime.regions import NOT_FROM_THE_ENVIRONMENT, regional
from services.runtime.tenants.derived import Derived
from services.runtime.tenants.live import Tenants
from services.runtime.tenants.settings import TenantSettings

T = TypeVar("T")

_NOT_FOUND, _CONFLICT = 404, 409
# Twilio's own word that there is none; a proxy's 404 is not.
_NONE_SUCH = 20404
_AT_ONCE = 4


class NoToken(OSError):
    """The settings have no token that opens the account."""


class Unreadable(OSError):
    """Something answered that it was done, by what the package cannot read."""


class Executions:
    """Raises what the package and requests raise, NoToken and Unreadable.

    Its calls have threads of their own: where nobody answers one tenant's, no other's wait.
    """

    def __init__(self, tenant: TenantSettings, base_url: str, timeout_s: float) -> None:
        self.account = tenant.account_sid
        self._threads = ThreadPoolExecutor(_AT_ONCE, "executions")
        self._studios: dict[str, Any] = {}
        for account, (user, password) in tenant.accounts.items():
            http = TwilioHttpClient(timeout=timeout_s)
            client = Client(user, password, account, http_client=http, environment=NOT_FROM_THE_ENVIRONMENT)
            client.studio.base_url = regional(base_url, tenant.region)
            self._studios[account] = client.studio.v2

    async def find(self, flow_sid: str, sid: str) -> Shown | None:
        """One of the tenant's account; None: the flow has no such."""
        one = self._one(self.account, flow_sid, sid)
        try:
            found = await self._asked(one.fetch)
        except TwilioRestException as error:
            if error.status == _NOT_FOUND:
                return None
            raise
        at = to_iso(found.date_created) if found.date_created else ""
        return Shown(found.sid or "", found.account_sid or "", found.contact_channel_address or "", at)

    async def end(self, account: str, flow_sid: str, sid: str) -> bool:
        """End one; False: the flow has no such, or it had ended. `account`: empty where it is the tenant's own.

        No URL of Studio's names an account: by another one's token there is none such.
        """
        one = self._one(account or self.account, flow_sid, sid)
        try:
            try:
                await self._asked(partial(one.update, status="ended"))
            except TwilioRestException as error:
                # What it conflicts with, nobody has said: it is over only where it is shown so.
                if error.status != _CONFLICT or (await self._asked(one.fetch)).status != "ended":
                    raise
                return False
        except TwilioRestException as error:
            if (error.status, error.code) == (_NOT_FOUND, _NONE_SUCH):
                return False
            raise
        return True

    def _one(self, account: str, flow_sid: str, sid: str) -> Any:
        studio = self._studios.get(account)
        if studio is None:
            raise NoToken(f"no token of {account} is known")
        return studio.flows(flow_sid).executions(sid)

    async def _asked(self, call: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, call)
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            raise Unreadable(f"an answer cannot be read: {type(error).__name__}") from error


def executions_of(settings: Settings, tenants: Tenants) -> Derived[Executions]:
    """By tenant."""
    url, timeout_s = settings.twilio.urls["studio"], settings.sender.request_timeout_s
    return Derived(tenants, lambda _, tenant: Executions(tenant, url, timeout_s))
