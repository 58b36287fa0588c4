"""The call that ends an execution, and whose: by its account's token, until it is sure to be over; tenants apart."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from aiohttp import ClientSession, encode_basic_auth, web
from pydantic import SecretStr
from twilio.base.exceptions import TwilioException

from services.domain.consent.commands import Mark
from services.domain.consent.standing import Standing
from services.domain.studio.events import ExecutionStopped
from services.domain.studio.stopping import InFlows, Walking, fold
from services.runtime.config import Settings
from services.runtime.folding.partition import Partition
from services.runtime.simulated import SimulatorSettings
from services.runtime.tenants.settings import TenantSettings
from services.sender.studio import stopping
from services.sender.studio.asked import Executions, NoToken, Unreadable
from services.sender.studio.stopping import Stopping
from services.sender.tables import IN_FLOWS
from tests.simulator.flows import OURS, WHO, studio, survey
from tests.simulator.rig import Rig, serving
from tests.waiting import eventually

ACCOUNT, SUBACCOUNT = "AC" + "a" * 32, "AC" + "b" * 32
FLOW, SID = "FW" + "a" * 32, "FN" + "b" * 32
TENANT = TenantSettings(
    account_sid=ACCOUNT,
    auth_tokens=[SecretStr("own")],
    subaccounts={SUBACCOUNT: [SecretStr("sub")]},
    contact_secret=SecretStr("unused"),
)


@asynccontextmanager
async def answering(answer: Callable[[web.Request], tuple[int, str]]) -> AsyncIterator[str]:
    """The base URL of a Twilio that answers so."""

    async def handle(request: web.Request) -> web.Response:
        status, body = answer(request)
        return web.Response(status=status, text=body, content_type="application/json")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def shown(status: str) -> str:
    return f'{{"sid": "{SID}", "account_sid": "{ACCOUNT}", "flow_sid": "{FLOW}", "status": "{status}"}}'


def none_such(code: int = 20404) -> tuple[int, str]:
    return 404, f'{{"code": {code}, "message": "none such", "status": 404}}'


class Told:
    """A partition of one contact for each tenant, who is in `sids` and has said STOP; and what was told of them."""

    def __init__(self, *tenants: str, account: str = "", sids: tuple[str, ...] = (SID,)) -> None:
        at = "2026-11-30T02:00:00.000Z"
        one = Walking(account_sid=account, flow_sid=FLOW, started_at=at, by_person=False, over=False)
        executions = dict.fromkeys(sids, one)
        self.rows = {one: InFlows(tenant=one, contact=one, heard_at=at, executions=executions) for one in tenants}
        self.told: list[ExecutionStopped] = []

    def read(self, key: str, table: str) -> Any:
        if table == IN_FLOWS:
            return self.rows[key]
        stop = Mark(at="2026-11-30T02:01:00.000Z", evidence="the stop", source="keyword")
        return Standing(tenant=key, contact=key, outs={"sender:+1": {"SM1": stop}})

    def listed(self, _table: str, _name: str, after: Any, _most: int) -> list[tuple[str, str]]:
        return [] if after else [("open", key) for key in self.rows]

    async def submit(self, event: ExecutionStopped) -> None:
        row, _ = fold(self.rows[event.contact], event)
        assert row is not None
        self.rows[event.contact] = row
        self.told.append(event)

    @property
    def partition(self) -> Partition:
        return cast(Partition, self)


@asynccontextmanager
async def stopped(told: Told, **executions: Executions) -> AsyncIterator[None]:
    """While somebody ends what is to be ended."""
    listener = Stopping(executions)
    await listener.taken(told.partition)
    try:
        yield
    finally:
        await listener.leaving(told.partition)


async def test_a_subaccounts_execution_is_ended_at_twilio_and_by_its_own_token(tmp_path: Path) -> None:
    settings = Settings(tenants={"acme": TENANT}, simulator=SimulatorSettings(port=0))
    async with serving(settings) as url, ClientSession() as session:
        rig = Rig(url, session)
        assert (await rig.send("PUT", f"accounts/{SUBACCOUNT}/senders", {OURS: {}}))[0] == 200
        client = rig.client(SUBACCOUNT, "sub")
        create = studio(rig, client).flows.create_async
        flow = (await create(friendly_name="Survey", status="published", definition=json.dumps(survey()))).sid
        made = await studio(rig, client).flows(flow).executions.create_async(to=WHO, from_=OURS)
        asked = Executions(TENANT, url, 5.0)
        # By the account's own token there is none such, whatever goes on.
        assert await asked.end("", flow, made.sid) is False
        assert (await studio(rig, client).flows(flow).executions(made.sid).fetch_async()).status == "active"
        assert await asked.end(SUBACCOUNT, flow, made.sid) is True
        assert (await studio(rig, client).flows(flow).executions(made.sid).fetch_async()).status == "ended"
        for one in rig.clients:
            await one.close()


async def test_the_row_says_whose_it_is_and_without_a_token_nothing_is_over() -> None:
    asked: list[str] = []

    def answer(request: web.Request) -> tuple[int, str]:
        asked.append(request.headers["Authorization"])
        return (200, shown("ended")) if asked[-1] == encode_basic_auth(SUBACCOUNT, "sub") else none_such()

    async with answering(answer) as url:
        tokenless = TENANT.model_copy(update={"subaccounts": {**TENANT.subaccounts, "AC" + "c" * 32: []}})
        executions = Executions(tokenless, url, 5.0)
        told = Told("acme", account=SUBACCOUNT)
        async with stopped(told, acme=executions):
            await eventually(lambda: told.told, 10)
        assert [one.outcome for one in told.told] == ["ended"]
        for unknown in ("AC" + "c" * 32, "AC" + "d" * 32):
            with pytest.raises(NoToken):
                await executions.end(unknown, FLOW, SID)
    assert len(asked) == 1


@pytest.mark.parametrize("body", ["<html>", "[]", "7", "", "null"])
async def test_an_answer_that_cannot_be_read_is_asked_for_again(body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "_FIRST_WAIT_S", 0.01)
    answers = [(200, body), (200, body), (200, shown("ended"))]
    async with answering(lambda _: answers.pop(0)) as url:
        told = Told("acme")
        async with stopped(told, acme=Executions(TENANT, url, 5.0)):
            await eventually(lambda: told.told, 10)
    assert ([one.outcome for one in told.told], answers) == (["ended"], [])


async def test_looking_one_up_says_too_that_the_answer_cannot_be_read() -> None:
    async with answering(lambda _: (200, "[]")) as url:
        with pytest.raises(Unreadable):
            await Executions(TENANT, url, 5.0).find(FLOW, SID)


@pytest.mark.parametrize(
    ("then", "over"), [((200, shown("ended")), True), (none_such(), True), ((200, shown("active")), False),
                       ((500, ""), False), (none_such(404), False), ((404, "gone"), False)],
)  # fmt: skip
async def test_a_conflict_is_over_only_where_it_is_shown_to_have_ended(then: tuple[int, str], over: bool) -> None:
    def answer(request: web.Request) -> tuple[int, str]:
        return (409, '{"code": 20409, "message": "conflict"}') if request.method == "POST" else then

    async with answering(answer) as url:
        ending = Executions(TENANT, url, 5.0).end("", FLOW, SID)
        if over:
            assert await ending is False
        else:
            with pytest.raises(TwilioException):
                await ending


async def test_a_tenant_whose_calls_nobody_answers_holds_up_no_other() -> None:
    async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await writer.drain()

    deaf = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = deaf.sockets[0].getsockname()[1]
    sids = tuple(f"FN{number:032x}" for number in range(40))
    async with deaf, answering(lambda _: (200, shown("ended"))) as url:
        told, others = Told("deaf", "dumb", "blind", sids=sids), Told("acme")
        dead = {name: Executions(TENANT, f"http://127.0.0.1:{port}", 3.0) for name in told.rows}
        listener = Stopping({**dead, "acme": Executions(TENANT, url, 5.0)})
        for one in (told, others):
            await listener.taken(one.partition)
        await eventually(lambda: others.told, 2)
        assert told.told == []
        for one in (told, others):
            await listener.leaving(one.partition)
