"""Messages one by one, with Twilio's own dates, read by the twilio package in a thread: it is asked seldom."""

import asyncio
from typing import Any

from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from services.domain.clock import to_iso
from services.domain.messages.finding import Listed
from services.runtime.regions import NOT_FROM_THE_ENVIRONMENT, regional
from services.runtime.tenants.settings import TenantSettings
from services.sender.messages.listing import listed

# Twilio's own word that there is none; a proxy's 404 is not.
_NONE_SUCH = 20404


class Dates:
    """Of one tenant's account and its subaccounts, `accounts`. Raises what the package and requests raise."""

    def __init__(self, tenant: TenantSettings, base_url: str, timeout_s: float) -> None:
        known = [(user, password, sid) for sid, (user, password) in tenant.accounts.items()]
        self.accounts = frozenset({tenant.account_sid, *tenant.subaccounts})
        self._clients = [
            Client(*one, http_client=TwilioHttpClient(timeout=timeout_s), environment=NOT_FROM_THE_ENVIRONMENT)
            for one in known
        ]
        for client in self._clients:
            client.api.base_url = regional(base_url, tenant.region)

    async def of(self, message_sid: str) -> str | None:
        """When a message was sent, else created: whole seconds, as it stands on the log. None: Twilio has no such."""
        found = await self._fetched(message_sid)
        at = found and (found.date_sent or found.date_created)
        return to_iso(at) if at else None

    async def message(self, message_sid: str) -> Listed | None:
        """The message itself. None: Twilio has no such."""
        found = await self._fetched(message_sid)
        return None if found is None else listed(found)

    async def _fetched(self, message_sid: str) -> Any:
        for client in self._clients:
            if found := await asyncio.to_thread(_fetched, client, message_sid):
                return found
        return None


def _fetched(client: Client, message_sid: str) -> Any:
    try:
        return client.messages(message_sid).fetch()
    except TwilioRestException as error:
        if error.code == _NONE_SUCH:
            return None
        raise
