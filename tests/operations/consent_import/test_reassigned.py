"""Old opt-ins of a file, compared with Twilio's lists of numbers that carriers took back."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from services.domain.messages.deactivated import today
from services.operations.consent_import.errors import ImportFileError
from services.operations.consent_import.importing import TAKEN_BACK, Import
from services.operations.consent_import.reassigned import FIRST, taken_back
from services.operations.consent_import.statements import FIELDS, Asked, Faulty, Statement
from services.operations.consent_import.table import TableFile
from services.operations.producing import Speaker
from services.runtime.clock import now
from services.runtime.config import Settings
from services.runtime.deactivations import Lists
from services.runtime.line import Line
from services.runtime.tenants.settings import TenantSettings

TENANT = TenantSettings(account_sid="AC" + "a" * 32, auth_tokens=[SecretStr("t")], contact_secret=SecretStr("s"))
GONE, STAYED = "+14155550123", "+14155550124"


class Twilio:
    """Lists by day; a day without one has none. `asked`: for which days."""

    def __init__(self) -> None:
        self.lists: dict[str, list[str]] = {}
        self.asked: list[str] = []
        self.broken = False
        app = web.Application()
        app.router.add_get("/v1/Deactivations", self._named)
        app.router.add_get("/files/{day}", self._file)
        self.server = TestServer(app)

    async def _named(self, request: web.Request) -> web.Response:
        day = request.query["Date"]
        self.asked.append(day)
        if self.broken:
            return web.json_response({"code": 20500}, status=500)
        if day not in self.lists:
            return web.json_response({"code": 30114}, status=400)
        return web.json_response({"redirect_to": str(self.server.make_url(f"/files/{day}"))}, status=307)

    async def _file(self, request: web.Request) -> web.Response:
        return web.Response(text="\n".join(self.lists[request.match_info["day"]]))


@pytest.fixture
async def twilio(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Twilio]:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    found = Twilio()
    await found.server.start_server()
    yield found
    await found.server.close()


@pytest.fixture
async def lists(twilio: Twilio) -> AsyncIterator[Lists]:
    line = Line(5.0, 2)
    yield Lists(line, str(twilio.server.make_url("")).rstrip("/"))
    await line.close()


def day(back: int) -> date:
    """One that is over everywhere."""
    return today(now()) - timedelta(days=back)


async def test_an_opt_in_from_before_a_number_was_taken_back_is_told_and_no_other(twilio: Twilio, lists: Lists) -> None:
    twilio.lists = {day(3).isoformat(): ["14155550123", "no number"], day(1).isoformat(): ["14155550199"]}
    found = await taken_back(lists, TENANT, {GONE, STAYED}, f"{day(5)}T10:00:00.000Z", lambda *_: None)
    before, that_day, after = (f"{day(back)}T20:00:00.000Z" for back in (4, 3, 1))
    assert found.after(GONE, before)
    # A yes of that day may have come before.
    assert found.after(GONE, that_day)
    assert not found.after(GONE, after)
    assert not found.after(STAYED, before)
    # From the first day whose end, wherever its carriers are, is after the opt-in; to the last that is over.
    assert twilio.asked == [day(back).isoformat() for back in range(6, 0, -1)]


async def test_no_day_is_asked_for_that_twilio_never_had_nor_one_that_is_not_over(
    twilio: Twilio, lists: Lists, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.operations.consent_import.reassigned.now", lambda: "2020-08-30T13:00:00.000Z")
    await taken_back(lists, TENANT, {GONE}, "2012-01-01T00:00:00.000Z", lambda *_: None)
    assert twilio.asked == [(FIRST + timedelta(days=count)).isoformat() for count in range(3)]


@pytest.mark.parametrize("broken", [True, False])
async def test_a_list_that_cannot_be_read_is_no_empty_one(twilio: Twilio, lists: Lists, broken: bool) -> None:
    twilio.broken = broken
    twilio.lists = {day(1).isoformat(): ["<html>", "Sorry", "14155550123"]}
    with pytest.raises(ImportFileError, match="was not read"):
        await taken_back(lists, TENANT, {GONE}, f"{day(1)}T00:00:00.000Z", lambda *_: None)


async def test_rows_are_judged_by_them_and_only_opt_ins(twilio: Twilio, lists: Lists, tmp_path: Path) -> None:
    file, before = tmp_path / "people.csv", f"{day(4)}T10:00:00Z"
    rows = [
        f"{GONE},opt_in,{before}", f"whatsapp:{GONE},opt_in,{before}", f"{GONE},opt_out,{before}",
        f"{GONE},opt_in,{day(1)}T20:00:00Z", f"{STAYED},opt_in,{before}", f"+4915112345678,opt_in,{before}",
    ]  # fmt: skip
    file.write_text("\n".join(["address,action,given_at", *rows]))
    settings = Settings(tenants={"acme": TENANT})
    table = TableFile(file, ",")
    asked = Asked("acme", b"s", {field: field for field in FIELDS if field in table.columns}, now(), source="a form")
    run = Import(settings.kafka, Speaker(settings, "acme"), table, asked, 0)
    twilio.lists = {day(2).isoformat(): ["14155550123", "14155550199"]}
    assert run.judge(lambda *_: None).statements == 6
    await run.compare(lists, TENANT, lambda *_: None)
    judged = run.judge(lambda *_: None)
    assert [(one.number, one.faults) for one in judged.faulty] == [(1, (TAKEN_BACK,)), (2, (TAKEN_BACK,))]
    kinds = [type(one) for one in run._rows()]
    assert kinds == [Faulty, Faulty, *[Statement] * 4], "what is faulty is not written either"
