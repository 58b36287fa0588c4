"""Twilio's list of content templates, to the log and from there: what is written, and what is not."""

from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from services.contract.templates import TEMPLATES
from services.domain.templates import listing
from services.operations import paging
from services.operations.calling import TwilioError
from services.operations.synced import Compared, Left, Unread, Wanted, known
from services.operations.synced import sync as synced
from services.operations.templates import reading
from services.operations.templates.reading import SYNCED
from tests.kafka_records import committed
from tests.operations.house import ACME, GLOBEX, TOKEN, House
from tests.processes import PARTITIONS, SECRETS
from tests.switchboard import switchboard

BODY = "Hello {{1}}, your order {{2}} is now on its way to you and arrives tomorrow."
KEYS = [aiohttp.encode_basic_auth(ACME, TOKEN)]


async def make(house: House, language: str = "en", **fields: Any) -> str:
    given = {
        "language": language,
        "types": {"twilio/text": {"body": BODY}},
        "variables": {"1": "a", "2": "b"},
        **fields,
    }
    headers = {"Authorization": KEYS[0]}
    async with house.session.post(f"{house.url}/v1/Content", json=given, headers=headers) as made:
        sid = str((await made.json())["sid"])
    asked = {"name": "shipped", "category": "UTILITY"}
    path = f"{house.url}/v1/Content/{sid}/ApprovalRequests/whatsapp"
    async with house.session.post(path, json=asked, headers=headers) as answer:
        assert answer.status == 201
    return sid


async def sync(house: House, tenant: str = "acme", allow_empty: bool = True) -> dict[str, list[str]]:
    """The kinds of news by content sid, once they are written."""
    [found] = [one async for one in synced(house.settings, SYNCED, Wanted(tenant, allow_empty))]
    if isinstance(found, Unread):
        raise TwilioError(found.why)
    assert isinstance(found, Compared)
    kinds: dict[str, list[str]] = {}
    for change in found.changes:
        kinds.setdefault(change.kind, []).append(change.fact.content_sid)
    return {kind: sorted(sids) for kind, sids in kinds.items()}


async def written(house: House) -> int:
    """How many records the topic holds."""
    return len(await committed(house.settings.kafka.bootstrap, TEMPLATES.name, PARTITIONS))


async def test_a_sync_writes_what_changed_and_a_tombstone_for_what_is_gone(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sync(house)
    # Three pages.
    monkeypatch.setattr(paging, "PAGE_SIZE", 1)
    one, two, three = [await make(house, language) for language in ("en", "de", "pt_BR")]
    assert await sync(house) == {"new": sorted([one, two, three])}
    before = await written(house)
    assert await sync(house) == {}
    assert await written(house) == before
    await house.put(f"templates/{one}", {"status": "approved"})
    await house.put(f"templates/{two}", {"status": "paused"})
    headers = {"Authorization": KEYS[0]}
    async with house.session.delete(f"{house.url}/v1/Content/{three}", headers=headers) as gone:
        assert gone.status == 204
    assert await sync(house) == {"changed": [one], "stopped": [two], "gone": [three]}
    assert await written(house) == before + 3
    found = (await known(house.settings.kafka, SYNCED))["acme"]
    assert {sid: (template.state, template.language) for sid, template in found.items()} == {
        one: ("approved", "en"), two: ("paused", "de"),
    }  # fmt: skip
    assert found[one].placeholders == {"1": ["text"], "2": ["text"]}
    # Another tenant's are its own.
    assert await sync(house, "globex") == {}


async def test_a_list_that_is_no_answer_changes_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await sync(house)
    await make(house)
    await make(house, "de")
    await sync(house)
    before = await written(house)
    monkeypatch.setattr(reading, "MOST_TEMPLATES", 1)
    with pytest.raises(TwilioError, match="more than 1 content templates"):
        await sync(house)
    monkeypatch.undo()
    await house.hold(standing={"forbidden": ["content"]})
    with pytest.raises(TwilioError, match="list the content templates"):
        await sync(house)
    async with house.session.post(f"{house.url}/simulator/reset") as answer:
        assert answer.status == 200
    with pytest.raises(TwilioError, match="--allow-empty"):
        await sync(house, allow_empty=False)
    with pytest.raises(TwilioError, match="no tenant 'nobody'"):
        await sync(house, "nobody")
    assert await written(house) == before
    assert listing.MOST_TEMPLATES >= 6000


async def test_a_tenant_whose_list_cannot_be_read_stops_no_other(house: House) -> None:
    await sync(house)
    await make(house)
    await house.hold(GLOBEX, standing={"forbidden": ["content"]})
    # Whichever comes first.
    found = {one.tenant: one async for one in synced(house.settings, SYNCED, Wanted(None, allow_empty=True))}
    unread, acme = found["globex"], found["acme"]
    assert isinstance(unread, Unread)
    assert "list the content templates" in unread.why
    assert isinstance(acme, Compared)
    assert [change.kind for change in acme.changes] == ["new"]


async def test_what_a_removed_tenant_leaves_ends_when_a_person_says_so_alone(house: House, tmp_path: Path) -> None:
    await sync(house)
    await make(house)
    await sync(house)
    others = {name: one for name, one in house.settings.tenants.items() if name != "acme"}
    without = House(house.settings.model_copy(update={"tenants": others}), house.session)
    left = [
        one async for one in synced(without.settings, SYNCED, Wanted(None, allow_empty=True)) if isinstance(one, Left)
    ]
    assert left == [Left("acme", 1)]
    # A file that nobody can use is no removal.
    (tmp_path / "acme.yaml").write_text("auth_tokens: []\n")
    broken = House(without.settings.model_copy(update={"tenants_dir": tmp_path}), house.session)
    told = {one.tenant: one async for one in synced(broken.settings, SYNCED, Wanted(None, allow_empty=True))}
    assert isinstance(told["acme"], Unread)
    with pytest.raises(TwilioError, match="config check"):
        await sync(broken)
    with pytest.raises(TwilioError, match="--allow-empty ends the 1 that"):
        await sync(without, allow_empty=False)
    assert len((await known(house.settings.kafka, SYNCED))["acme"]) == 1
    assert list(await sync(without, allow_empty=True)) == ["gone"]
    assert (await known(house.settings.kafka, SYNCED))["acme"] == {}
    with pytest.raises(TwilioError, match="no tenant 'acme'"):
        await sync(without, allow_empty=True)


async def test_as_a_person_runs_it(house: House, tmp_path: Path) -> None:
    await sync(house)
    settings = tmp_path / "switchboard.yaml"
    kafka = house.settings.kafka
    content = house.as_a_person_has_it()
    settings.write_text(yaml.safe_dump(content))
    said = {**SECRETS, "TEST_AUTH_TOKEN": TOKEN, "COLUMNS": "200"}
    nothing = await switchboard(settings, "templates", "list", code=1, **said)
    assert "templates sync" in nothing.text
    sid = await make(house)
    assert "new" in (await switchboard(settings, "templates", "sync", "--dry-run", **said)).text
    assert (await known(kafka, SYNCED)).get("acme", {}) == {}
    assert "written to twilio.templates.v1" in (await switchboard(settings, "templates", "sync", **said)).text
    assert "nothing to write" in (await switchboard(settings, "templates", "sync", **said)).text
    await house.put(f"templates/{sid}", {"status": "paused"})
    # The list of `aaa`, which is asked first, is refused.
    content["tenants"] = {"aaa": content["tenants"]["acme"] | {"account_sid": GLOBEX}, **content["tenants"]}
    settings.write_text(yaml.safe_dump(content))
    await house.hold(GLOBEX, standing={"forbidden": ["content"]})
    synced = await switchboard(settings, "templates", "sync", code=2, **said)
    assert all(word in synced.text for word in ("stopped", "aaa: ", "what is news of acme"))
    listed = await switchboard(settings, "templates", "list", "--state", "paused", **said)
    assert all(word in listed.text for word in ("shipped", "en", "paused", "UTILITY", sid))
    shown = await switchboard(settings, "templates", "show", "shipped", **said)
    assert all(word in shown.text for word in (BODY, "{{1}}: text", "twilio/text"))
    await switchboard(settings, "templates", "show", "nothing", code=1, **said)
