"""Flows as files against a simulated Twilio: exported, compared, validated, published, and led back."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from services.operations.calling import Account, TwilioError
from services.operations.changing import Done, carry_out
from services.operations.studio.files import differing, digest, read, written
from services.operations.studio.publishing import FlowHands, planned
from services.operations.studio.reading import LATEST_PUBLISHED, Flow, faults, flow, sids
from services.runtime.section import ConfigError
from tests.simulator.flows import survey

from .house import PERSON, House


def other(text: str = "Another") -> dict[str, Any]:
    return survey() | {"description": text}


def wrong() -> dict[str, Any]:
    definition = survey()
    definition["states"][0]["transitions"][0]["next"] = "nowhere"
    return definition


@pytest.fixture
def account(house: House) -> Account:
    [account] = house.accounts("acme")
    return account


@pytest.fixture
async def sid(account: Account) -> str:
    create = account.client.studio.v2.flows.create
    made = await asyncio.to_thread(
        create, friendly_name="Survey", status="published", definition=json.dumps(survey()), commit_message="First"
    )
    return str(made.sid)


async def shown(account: Account, sid: str, revision: str = "LatestRevision") -> Flow:
    return await asyncio.to_thread(flow, [account], sid, revision)


async def publish(
    house: House, now: Flow, definition: dict[str, Any], draft: bool = False, why: str = "try it"
) -> list[Done]:
    changes = planned(now, definition, draft, why)
    return await carry_out(house.settings.kafka, changes, FlowHands(now.account, definition), PERSON)


async def test_what_is_exported_differs_in_nothing(account: Account, sid: str, tmp_path: Path) -> None:
    assert await asyncio.to_thread(lambda: list(sids(account))) == [sid]
    now = await shown(account, sid)
    path = tmp_path / "flow.json"
    path.write_text(written(now.definition))
    assert differing(read(path), now.definition, ("theirs", "ours")) == []
    assert planned(now, read(path), False, "nothing") == ()
    lines = differing(other(), now.definition, ("theirs", "ours"))
    assert '+  "description": "Another",' in lines
    assert '-  "description": "A survey",' in lines


async def test_a_draft_is_published_and_led_back_with_each_step_on_the_log(
    house: House, account: Account, sid: str
) -> None:
    assert [one.end for one in await publish(house, await shown(account, sid), other(), draft=True)] == ["changed"]
    assert (await shown(account, sid, LATEST_PUBLISHED)).revision == 1
    now = await shown(account, sid)
    assert (now.revision, now.status) == (2, "draft")
    assert [one.end for one in await publish(house, now, other(), why="it works")] == ["changed"]
    assert (await shown(account, sid, LATEST_PUBLISHED)).definition == other()
    first = await shown(account, sid, "1")
    [back] = await publish(house, await shown(account, sid), dict(first.definition), why="back to revision 1")
    assert back.end == "changed"
    latest = await asyncio.to_thread(account.client.studio.v2.flows(sid).fetch)
    assert (latest.revision, latest.commit_message) == (4, "back to revision 1")
    assert latest.definition == survey()
    facts = await house.audited(back.change.subject)
    assert [one.action for one in facts] == ["changing", "changed"] * 3
    assert facts[-1].after == {"definition": digest(survey()), "status": "published"}


async def test_what_was_changed_since_the_plan_is_left(house: House, account: Account, sid: str) -> None:
    seen = await shown(account, sid)
    await publish(house, seen, other("somebody else's"))
    [done] = await publish(house, seen, other("mine"))
    assert (done.end, "since the plan" in done.says) == ("unchanged", True)
    assert (await shown(account, sid)).definition == other("somebody else's")


async def test_what_twilio_finds_wrong_is_told_and_never_published(house: House, account: Account, sid: str) -> None:
    [fault] = await asyncio.to_thread(faults, account, "Survey", json.dumps(wrong()))
    assert "nowhere" in fault
    assert await asyncio.to_thread(faults, account, "Survey", json.dumps(survey())) == []
    [done] = await publish(house, await shown(account, sid), wrong())
    assert (done.end, "81022" in done.says) == ("unchanged", True)


async def test_a_flow_of_nobody_is_a_sentence(house: House, account: Account, sid: str) -> None:
    with pytest.raises(TwilioError, match="no account of these tenants has a flow"):
        await shown(account, "FW" + "0" * 32)
    foreign = house.accounts("globex")
    with pytest.raises(TwilioError, match="no account of these tenants has a flow"):
        await asyncio.to_thread(flow, foreign, sid)
    stranger = replace_credentials(account)
    with pytest.raises(TwilioError, match="does not let tenant acme"):
        await shown(stranger, sid)


def replace_credentials(account: Account) -> Account:
    account.client.auth = (account.sid, "another token")
    return account


@pytest.mark.parametrize("content", ["{", "[]", "{}"])
def test_a_file_that_is_no_flow_is_a_sentence(content: str, tmp_path: Path) -> None:
    path = tmp_path / "flow.json"
    path.write_text(content)
    with pytest.raises(ConfigError, match="is no flow"):
        read(path)
    with pytest.raises(ConfigError, match="is no flow"):
        read(tmp_path / "none.json")
