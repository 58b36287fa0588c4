"""One tenant's executions at Twilio, one by one; by the twilio package in a thread, since it is asked seldom."""

import asyncio

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

_NOT_FOUND, _CONFLICT = 404, 409
# Twilio's own word that there is none; a proxy's 404 is not.
_NONE_SUCH = 20404


class Executions:
    """Raises what the package and requests raise."""

    def __init__(self, tenant: TenantSettings, base_url: str, timeout_s: float) -> None:
        user, password = tenant.credentials
        http = TwilioHttpClient(timeout=timeout_s)
        self.account = tenant.account_sid
        self._client = Client(user, password, self.account, http_client=http, environment=NOT_FROM_THE_ENVIRONMENT)
        self._client.studio.base_url = regional(base_url, tenant.region)

    async def find(self, flow_sid: str, sid: str) -> Shown | None:
        """None: the flow has no such."""
        flow = self._client.studio.v2.flows(flow_sid)
        try:
            found = await asyncio.to_thread(flow.executions(sid).fetch)
        except TwilioRestException as error:
            if error.status == _NOT_FOUND:
                return None
            raise
        at = to_iso(found.date_created) if found.date_created else ""
        return Shown(found.sid or "", found.account_sid or "", found.contact_channel_address or "", at)

    async def end(self, flow_sid: str, sid: str) -> bool:
        """End one; False: the flow has no such, or it is none any more that could be ended."""
        flow = self._client.studio.v2.flows(flow_sid)
        try:
            await asyncio.to_thread(flow.executions(sid).update, status="ended")
        except TwilioRestException as error:
            if error.status == _CONFLICT or (error.status, error.code) == (_NOT_FOUND, _NONE_SUCH):
                return False
            raise
        return True


def executions_of(settings: Settings, tenants: Tenants) -> Derived[Executions]:
    """By tenant."""
    url, timeout_s = settings.twilio.urls["studio"], settings.sender.request_timeout_s
    return Derived(tenants, lambda _, tenant: Executions(tenant, url, timeout_s))
