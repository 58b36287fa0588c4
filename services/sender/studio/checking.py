"""Looks up at Twilio the execution that a resolution names; by the twilio package in a thread: it is asked seldom."""

import asyncio

from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from services.domain.clock import to_iso
from services.domain.messages.finding import span
from services.domain.outbox.accepted import ResolutionAccepted
from services.domain.outbox.entry import Entry
from services.domain.outbox.facts import Checked
from services.domain.studio.commands import ExecutionAccepted
from services.domain.studio.effects import ExecutionCreated
from services.domain.studio.finding import Shown, why_not
from services.runtime.clock import now
from services.runtime.config import Settings
from services.runtime.folding.partition import Partition
from services.runtime.regions import NOT_FROM_THE_ENVIRONMENT, regional
from services.runtime.tenants.derived import Derived
from services.runtime.tenants.live import Tenants
from services.runtime.tenants.settings import TenantSettings
from services.sender.rows import others_of

_NOT_FOUND = 404


class Shows:
    """One tenant's executions, one by one. Raises what the package and requests raise."""

    def __init__(self, tenant: TenantSettings, base_url: str, timeout_s: float) -> None:
        user, password = tenant.credentials
        http = TwilioHttpClient(timeout=timeout_s)
        self.account = tenant.account_sid
        self._client = Client(user, password, self.account, http_client=http, environment=NOT_FROM_THE_ENVIRONMENT)
        self._client.studio.base_url = regional(base_url, tenant.region)

    async def execution(self, flow_sid: str, sid: str) -> Shown | None:
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


class Checking:
    """`settings`: of the sender, and the host's base URL."""

    def __init__(self, settings: Settings, tenants: Tenants) -> None:
        self._times = settings.sender.attempt_deadline_s, settings.sender.request_timeout_s
        url, timeout_s = settings.twilio.urls["studio"], settings.sender.request_timeout_s
        self._shows = Derived(tenants, lambda _, tenant: Shows(tenant, url, timeout_s))

    async def check(self, partition: Partition, entry: Entry, claim: ResolutionAccepted) -> Checked | None:
        """What Twilio says of a claim; None where nobody can ask it now."""
        when, shows, command = span(entry, *self._times), self._shows.get(entry.tenant), entry.command
        if when is None or shows is None or not isinstance(command, ExecutionAccepted):
            return None
        found = await shows.execution(command.flow_sid, claim.sid or "")
        refused = why_not(command, when, found, shows.account, others_of(partition, entry).sids)
        return Checked(
            order_key=entry.order_key,
            command_id=entry.command_id,
            at=now(),
            resolution=claim.event_id,
            refused=refused,
            created=ExecutionCreated(sid=found.sid) if found is not None and refused is None else None,
        )
