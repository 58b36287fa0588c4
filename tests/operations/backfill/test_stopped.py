"""`switchboard backfill` that is stopped, or that cannot begin."""

import asyncio
import signal

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from services.operations.backfill.injection import inject
from services.operations.backfill.lacking import lacking
from tests.processes import settings_of
from tests.switchboard import Command

from .house import House, backfill, injected
from .rig import ACME, NOW, held, listed

pytestmark = pytest.mark.timeout(240)


async def test_ctrl_c_while_twilio_lists_says_so_and_writes_nothing(house: House) -> None:
    asked, answer = asyncio.Event(), asyncio.Event()

    async def hold(_: web.Request) -> web.Response:
        asked.set()
        await answer.wait()
        return web.json_response({"messages": [], "next_page_uri": None})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", hold)
    server = TestServer(app)
    async with server:
        environment = {"SWITCHBOARD_TWILIO__API": str(server.make_url("")).rstrip("/")}
        command = Command(house.settings, "backfill", "--tenant", "acme", "--apply", **environment)
        await asyncio.wait_for(asked.wait(), 60)
        command.process.send_signal(signal.SIGINT)
        answer.set()
        said = await command.ended()
    assert said.code == 130, said.text
    assert said.text == "Stopped. A second run finds what is still lacking.\n"


async def test_stopped_in_the_middle_it_knows_what_the_log_has(house: House) -> None:
    messages = [listed(f"SMmany{number}") for number in range(20_000)]
    facts = [one.event for one in lacking(ACME, messages, held(), NOW)]
    count, begun = [0], asyncio.Event()

    def acknowledged() -> None:
        count[0] += 1
        begun.set()

    work = asyncio.create_task(inject(settings_of(house.settings).kafka, facts, acknowledged))
    await asyncio.wait_for(begun.wait(), 30)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    there = [sid for sid in await injected(house) if sid.startswith("SMmany")]
    assert 0 < len(there) == count[0] < len(facts)


@pytest.mark.parametrize(
    ("words", "environment", "sentence"),
    [
        (["--tenant", "nobody"], {}, "no tenant 'nobody'; the settings know: acme, globex"),
        (["--tenant", "acme", "--since", "soon"], {}, "--since 'soon' is no time"),
        (["--tenant", "acme", "--until", "2020-01-01T00:00Z", "--since", "2021-01-01T00:00Z"], {}, "is not before"),
        (["--tenant", "acme", "--since", "2020-01-01T00:00Z"], {}, "further back than the log reaches"),
        (["--tenant", "acme"], {"TEST_AUTH_TOKEN": "wrong"}, "does not let tenant acme in (401); check"),
        (["--tenant", "acme"], {"SWITCHBOARD_KAFKA__BOOTSTRAP": "127.0.0.1:9"}, "no Kafka answers at 127.0.0.1:9"),
        (["--tenant", "acme"], {"SWITCHBOARD_KAFKA__PARTITIONS": "3"}, "correct the setting"),
    ],
)
async def test_what_is_in_the_way_is_a_sentence(
    house: House, words: list[str], environment: dict[str, str], sentence: str
) -> None:
    assert sentence in " ".join((await backfill(house, *words, code=2, **environment)).split())
