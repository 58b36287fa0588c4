"""Templates by name, on a real log and against a simulated Twilio: synced, chosen by language, stopped, and picked."""

from typing import Any

import aiohttp
import pytest

from services.domain.clock import later
from services.domain.results import CommandResult
from services.runtime.clock import now
from tests.sender.conftest import House
from tests.sender.registry import Registry
from tests.sender.rig import WHATSAPP_SENDER, Desk, Service, said
from tests.waiting import eventually


@pytest.fixture
async def registry(house: House, desk: Desk, shared_sender: Service) -> Any:
    async with aiohttp.ClientSession() as session:
        yield Registry(house, shared_sender, session)


def named(desk: Desk, number: int, to: str, name: str, **fields: Any) -> dict[str, Any]:
    command = desk.command(number, to=to, template={"name": name}, content_variables={"1": "Bo"}, **fields)
    command["from"] = WHATSAPP_SENDER
    return {name: value for name, value in command.items() if value is not None}


async def end(desk: Desk, command: dict[str, Any]) -> CommandResult:
    """Its terminal result."""
    await desk.produce(command)
    found: list[CommandResult] = []

    async def ended() -> bool:
        found[:] = [one for one in await desk.results(command["command_id"]) if one.terminal]
        return bool(found)

    await eventually(ended, 60, f"{command['command_id']} ends")
    return found[0]


async def posted(desk: Desk, result: CommandResult) -> dict[str, Any]:
    """What was posted to create its message."""
    assert result.step == "sent", result
    [found] = [one["params"] for one in await desk.twilio.messages() if one["sid"] == result.message_sid]
    return dict(found)


async def test_a_template_by_name_goes_in_the_language_of_the_person_or_the_one_that_is_named(
    registry: Registry, desk: Desk
) -> None:
    made = await registry.make("shipped", "en", "de")
    for number, (to, language, wanted) in enumerate(
        (
            ("whatsapp:+14155562001", None, "en"),
            ("whatsapp:+4915112345678", None, "de"),
            ("whatsapp:+4915112345679", "en", "en"),
            ("whatsapp:+819012345678", None, "en"),
        )
    ):
        command = named(desk, number, to, "shipped", body=None)
        if language:
            command["template"]["language"] = language
        params = await posted(desk, await end(desk, command))
        assert (params["ContentSid"], params["ContentVariables"]) == (made[wanted], '{"1": "Bo"}'), to
        assert "Body" not in params
    unknown = await end(desk, named(desk, 9, "whatsapp:+14155562009", "shipped", body=None) | {
        "template": {"name": "shipped", "language": "pt_BR"}
    })  # fmt: skip
    assert (unknown.step, unknown.category) == ("blocked", "template")
    assert "de: approved, en: approved" in (unknown.reason or "")


async def test_what_whatsapp_stopped_or_does_not_fit_is_told_before_anything_is_sent(
    registry: Registry, desk: Desk
) -> None:
    sid = (await registry.make("paused", "en"))["en"]
    await registry.decide(sid, "paused")
    before = len(await desk.twilio.messages())
    stopped = await end(desk, named(desk, 20, "whatsapp:+14155562020", "paused", body=None))
    assert (stopped.step, stopped.category) == ("blocked", "template"), stopped
    assert "is paused by WhatsApp" in (stopped.reason or "")
    await registry.decide(sid, "approved")
    for number, variables, words in (
        (21, {}, "content_variables.1: missing"),
        (22, {"1": "Bo", "2": "more"}, "content_variables.2: the template has no such placeholder"),
    ):
        command = named(desk, number, f"whatsapp:+1415556{2000 + number}", "paused", body=None)
        wrong = await end(desk, command | {"content_variables": variables})
        assert (wrong.category, words in (wrong.reason or "")) == ("template", True), wrong
        assert "templates show" in (wrong.remedy or "")
    assert len(await desk.twilio.messages()) == before
    await posted(desk, await end(desk, named(desk, 23, "whatsapp:+14155562023", "paused", body=None)))


async def test_a_text_goes_while_its_window_is_open_and_its_template_after_that(registry: Registry, desk: Desk) -> None:
    made = await registry.make("picked", "en")
    fresh = named(desk, 30, "whatsapp:+14155562030", "picked", body="On its way!")
    stale = named(desk, 31, "whatsapp:+14155562031", "picked", body="On its way!")
    await desk.heard(said(fresh, "hi"), said(stale, "hi", at=later(now(), -25 * 3600.0)))
    free, templated = await end(desk, fresh), await end(desk, stale)
    first, second = await posted(desk, free), await posted(desk, templated)
    assert (first["Body"], first.get("ContentSid"), first.get("ContentVariables")) == ("On its way!", None, None)
    assert (second.get("Body"), second["ContentSid"]) == (None, made["en"])
    picked = {
        command["command_id"]: [one.receipt.goes_as for one in await desk.results(command["command_id"]) if one.receipt]
        for command in (fresh, stale)
    }
    assert picked == {fresh["command_id"]: ["freeform"], stale["command_id"]: ["template"]}


async def test_by_sms_a_template_is_counted_by_its_text_as_twilio_counts_it(registry: Registry, desk: Desk) -> None:
    await registry.make("counted", "en", "de")
    counted = {"template": {"name": "counted", "language": "en"}, "body": None}
    commands = [
        desk.command(80, **counted, content_variables={"1": "Bo"}),
        desk.command(81, **counted, content_variables={"1": "ж" * 100}),
    ]
    for command, wanted in zip(commands, ((1, "GSM-7"), (3, "UCS-2")), strict=True):
        sent = await end(desk, {name: value for name, value in command.items() if value is not None})
        assert sent.step == "sent", sent
        [accepted] = [one for one in await desk.results(command["command_id"]) if one.step == "accepted"]
        assert (accepted.segments, accepted.encoding) == wanted
        [told] = [one["resource"] for one in await desk.twilio.messages() if one["sid"] == sent.message_sid]
        assert told["num_segments"] == str(wanted[0])
