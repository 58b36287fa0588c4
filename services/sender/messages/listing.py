"""Twilio's own list of messages, read by the twilio package in a thread: it is asked seldom."""

import asyncio
from typing import Any

from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from services.domain.clock import to_iso
from services.domain.messages.at_twilio import number
from services.domain.messages.finding import Listed
from services.runtime.regions import NOT_FROM_THE_ENVIRONMENT, regional
from services.runtime.tenants.settings import TenantSettings

# The newest; an attempt that is older than these is a person's to find.
_MOST = 100


class Listing:
    """The messages of one tenant's account, under `base_url` (in us1). Raises what the package and requests raise."""

    def __init__(self, tenant: TenantSettings, base_url: str, timeout_s: float) -> None:
        user, password = tenant.credentials
        http = TwilioHttpClient(timeout=timeout_s)
        environment = NOT_FROM_THE_ENVIRONMENT
        self._client = Client(user, password, tenant.account_sid, http_client=http, environment=environment)
        self._client.api.base_url = regional(base_url, tenant.region)

    async def messages_to(self, address: str) -> list[Listed]:
        """The latest messages to an address."""
        return [listed(one) for one in await asyncio.to_thread(self._client.messages.list, to=address, limit=_MOST)]


def listed(message: Any) -> Listed:
    return Listed(
        sid=message.sid,
        direction=str(message.direction or ""),
        to=message.to or "",
        from_=message.from_ or "",
        service=message.messaging_service_sid,
        body=message.body or "",
        status=str(message.status or ""),
        created_at=to_iso(message.date_created),
        account=message.account_sid or "",
        num_media=number(message.num_media) or 0,
    )
