"""Tickets by HTTP on a real log: signed, again until one is taken, whoever is killed; nothing private."""

import asyncio
import hashlib
import hmac
import json
import signal
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from services.contract.codec import encode
from services.contract.messages import KEYWORDS, TICKETS
from services.domain.messages.events import KeywordHeard
from services.domain.messages.tickets import TicketEnded
from services.runtime.clock import now
from services.runtime.http import serve
from tests.kafka_records import produce
from tests.waiting import eventually

from .house import House, Poller, Twilio, facts

SECRET = "what acme signs its tickets with 0123456789"


@dataclass
class Desk:
    """An endpoint; its answers in turn, then 200 for ever. `seen`: headers and body of each request."""

    url: str = ""
    answers: list[int | float] = field(default_factory=list)
    seen: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        self.seen.append((dict(request.headers), await request.read()))
        answer = self.answers.pop(0) if self.answers else 200
        if isinstance(answer, float):
            await asyncio.sleep(answer)
            return web.Response()
        return web.Response(status=answer, headers={"Location": "http://127.0.0.1:9/"} if answer == 307 else {})

    def keys(self) -> list[str]:
        return [headers["Idempotency-Key"] for headers, _ in self.seen]


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    found = Desk()
    app = web.Application()
    app.add_routes([web.post("/tickets", found.handle)])
    server = await serve(app, "127.0.0.1", 0, stop_s=0.1)
    found.url = f"{server.url}/tickets"
    yield found
    await server.close()


# Desks that are asked for nothing, and why.
NOBODYS = {
    **dict.fromkeys(("inside", "cloud", "translated"), "its URL names a loopback or private address"),
    "named": "its URL names a host of a private network",
    "nowhere": "its URL names a host that cannot exist",
    "gone": "no such desk is configured",
}


def settings(**desks: dict[str, Any]) -> dict[str, str]:
    named = {name: {**one, "secret": {"env": "TEST_DESK_SECRET"}} for name, one in desks.items()}
    return {
        "SWITCHBOARD_TENANTS__ACME__DESKS": json.dumps(named),
        "SWITCHBOARD_POLLER__SILENT_AFTER_S": '{"sms": 1e9}',
        "TEST_DESK_SECRET": SECRET,
    }


async def hear(house: House, desk: str) -> KeywordHeard:
    name = uuid.uuid4().hex
    heard = KeywordHeard(
        event_id=name, tenant="acme", received_at=now(), contact=f"acme|{name}", account_sid="AC1",
        message_sid=f"SM{name}", inbound_event_id=f"in {name}", rule="ack", values={"id": "17"},
        from_="+14155550123", to="+14155550100", ticket=desk,
    )  # fmt: skip
    # As ingress does when a webhook comes twice.
    for _ in range(2):
        await produce(house.bootstrap, KEYWORDS.name, [(KEYWORDS.key(heard).encode(), encode(heard))])
    return heard


async def ended(house: House, heard: KeywordHeard) -> list[TicketEnded]:
    told = await facts(house, TICKETS.name, TICKETS.event)
    return [one for one in told if isinstance(one, TicketEnded) and one.keyword_event_id == heard.event_id]


async def test_a_ticket_is_signed_and_taken_once_and_desks_in_a_private_network_hold_it_not_up(
    house: House, twilio: Twilio, poller: Poller, desk: Desk
) -> None:
    port = desk.url.split(":")[2].split("/")[0]
    known = settings(
        inside={"url": f"https://127.0.0.1:{port}/tickets"},
        named={"url": f"https://localhost:{port}/tickets"},
        # Azure's own, and what a gateway of IPv6 makes of 127.0.0.1.
        cloud={"url": "https://168.63.129.16/tickets"},
        translated={"url": f"https://[64:ff9b::7f00:1]:{port}/tickets"},
        nowhere={"url": f"https://{'a' * 70}.example.com/"},
        near={"url": desk.url, "private": True},
    )
    with poller(**known) as service:
        barred = [await hear(house, name) for name in NOBODYS]
        heard = await hear(house, "near")
        [end] = await eventually(lambda: ended(house, heard), 60, "it is told to be delivered")
        assert (end.outcome, end.tries, end.answer, end.desk) == ("delivered", 1, "HTTP 200", "near")
        [(headers, body)] = desk.seen
        told = json.loads(body)
        assert (told["event_id"], told["values"], told["from"]) == (heard.event_id, {"id": "17"}, "+14155550123")
        signed = f"{headers['Switchboard-Timestamp']}.".encode() + body
        assert headers["Switchboard-Signature"] == f"v1={hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()}"
        assert headers["Idempotency-Key"] == heard.event_id
        # The same fact again, later, is no other ticket.
        other = await hear(house, "near")
        await produce(house.bootstrap, KEYWORDS.name, [(KEYWORDS.key(heard).encode(), encode(heard))])
        await eventually(lambda: ended(house, other), 30, "another is delivered")
        assert desk.keys().count(heard.event_id) == 1

        def refused() -> bool:
            log = service.log.read_text()
            return all(f"desk {name} did not take a ticket (try 1): {why}" in log for name, why in NOBODYS.items())

        await eventually(refused, 30, "it is said what is wrong with the others")
        assert not {one.event_id for one in barred} & {*desk.keys()}


async def test_it_comes_again_after_a_kill_and_after_what_is_no_yes(
    house: House, twilio: Twilio, poller: Poller, desk: Desk
) -> None:
    known = settings(near={"url": desk.url, "private": True})
    with poller(**known, TEST_FAILPOINT="ticket.posted") as first:
        heard = await hear(house, "near")
        await eventually(lambda: first.process.poll() is not None, 60, "killed between the answer and the log")
        assert first.process.poll() == -signal.SIGKILL
    assert desk.keys() == [heard.event_id]
    # A redirect is followed nowhere, and no answer is none.
    desk.answers = [307]
    with poller("another", **known) as second:
        await eventually(lambda: len(desk.seen) >= 2, 60, "it is redirected")
        # The next try would come ten seconds later.
        (house.settings.parent / "clock").write_text("60")
        [end] = await eventually(lambda: ended(house, heard), 90, "it is delivered in the end")
        assert (end.outcome, end.tries) == ("delivered", 2)
        assert desk.keys() == [heard.event_id] * 3
        log = second.log.read_text()
        assert "HTTP 307" in log
        assert SECRET not in log
        assert "4155550123" not in log
