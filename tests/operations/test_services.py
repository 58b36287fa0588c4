"""`services plan|apply` against a simulated Twilio: services made, set and filled from a file, and never twice."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from services.operations.changing import Change, Done, carry_out
from services.operations.services.applying import ServiceHands
from services.operations.services.planning import Plan, planned
from services.operations.services.reading import Holding, holding
from services.operations.services.wanted import WantedService, read
from services.operations.webhooks.owners import Owners
from services.operations.webhooks.planning import Rules
from services.runtime.section import ConfigError

from .house import ACME, CODE, FALLBACK, INBOUND, ONE, PERSON, PUBLIC, SERVICE, TWO, WHATSAPP, House

WANTED = WantedService(
    name="acme / us", senders=[ONE, WHATSAPP, CODE, "ACME"], sticky_sender=False, area_code_geomatch=True
)
OLD_EMPTIED = WantedService(name="old", others="remove")


async def held(house: House) -> Holding:
    [account] = house.accounts("acme")
    return await asyncio.to_thread(holding, account)


async def plan(house: House, *wanted: WantedService, take: tuple[str, ...] = ()) -> Plan:
    return planned(wanted, await held(house), Rules(PUBLIC, Owners(house.settings.tenants), take))


async def carry(house: House, changes: tuple[Change, ...]) -> list[Done]:
    hands = ServiceHands({one.sid: one for one in house.accounts("acme")})
    return await carry_out(house.settings.kafka, changes, hands, PERSON)


async def test_a_service_is_made_set_and_filled_once(house: House) -> None:
    await house.hold(senders={ONE: {}, CODE: {}, WHATSAPP: {}})
    first, same = await plan(house, WANTED), await plan(house, WANTED)
    assert [one.kind for one in first.changes] == ["new service", *["joins"] * 4]
    assert [one for one in await carry(house, first.changes) if one.end != "changed"] == []
    # Another operator, who saw the same: there is one of that name now.
    assert not any(one.end == "changed" for one in await carry(house, same.changes))
    [service] = (await held(house)).services
    assert set(service.members) == set(WANTED.senders)
    assert (service.settings["sticky_sender"], service.settings["area_code_geomatch"]) == ("false", "true")
    assert service.endpoint.url("messages") == INBOUND
    assert (await plan(house, WANTED)).changes == ()
    facts = await house.audited(*(one.subject for one in first.changes))
    assert sum(one.action == "changed" for one in facts) == 5


async def test_one_that_was_killed_after_the_service_goes_on_with_its_members(house: House) -> None:
    await house.hold(senders={ONE: {}, CODE: {}, WHATSAPP: {}})
    first = await plan(house, WANTED)
    await carry(house, first.changes[:2])
    rest = await plan(house, WANTED)
    assert [one.kind for one in rest.changes] == ["joins"] * 3
    await carry(house, rest.changes)
    assert (await plan(house, WANTED)).changes == ()


async def test_a_sender_leaves_its_old_service_before_it_joins(house: House) -> None:
    await house.hold(senders={ONE: {}, TWO: {}})
    await house.service(numbers=[ONE, TWO], settings={"friendly_name": "old"})
    old, new = WantedService(name="old", senders=[], others="remove"), WantedService(name="new", senders=[ONE])
    made = await plan(house, old, new)
    moves = [(one.kind, one.name) for one in made.changes if one.kind in ("joins", "leaves")]
    assert moves == [("leaves", ONE), ("joins", ONE), ("leaves", TWO)]
    assert {one.end for one in await carry(house, made.changes)} == {"changed"}
    members = {one.endpoint.name: set(one.members) for one in (await held(house)).services}
    assert members == {"old": set(), "new": {ONE}}


async def test_what_cannot_be_meant_is_refused(house: House) -> None:
    await house.hold(senders={ONE: {}})
    for sid in (SERVICE, "MG" + "e" * 32):
        await house.service(sid, settings={"friendly_name": "twin"})
    refused = (await plan(house, WantedService(name="twin", senders=["+14155550999"]))).refused
    assert "2 services are called twin" in refused[0]
    [stranger] = (await plan(house, WantedService(name="x", senders=["+14155550999"]))).refused
    assert "no sender +14155550999" in stranger
    [absent] = (await plan(house, WantedService(name="x", sid="MG" + "f" * 32))).refused
    assert f"account {ACME} has no service" in absent


async def test_a_service_that_leads_elsewhere_is_left_but_for_its_settings(house: House) -> None:
    other = "https://staging.example.com/sms"
    await house.service(settings={"friendly_name": "old", "inbound_request_url": other})
    made = await plan(house, WantedService(name="old", sticky_sender=False))
    [change] = made.changes
    assert dict(change.after) == {"sticky_sender": "false"}
    assert [one.where for one in made.left] == [other]
    # What somebody else has set meanwhile is no more what the plan saw.
    [done] = await carry(house, (replace(change, before={"sticky_sender": "maybe"}),))
    assert (done.end, done.is_so) == ("unchanged", False)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("acme: [{name: a, senders: [+14155550100]}]", "in quotes"),
        ("acme: [{name: a, senders: ['+14155550100', '+14155550100']}]", "named twice"),
        ("acme: [{name: a, senders: ['+14155550100']}, {name: b, senders: ['+14155550100']}]", "in two services"),
        ("acme: [{name: a}, {name: a}]", "named twice"),
        ("acme: [{name: a, sticky: true}]", "no such key"),
        ("- a", "dictionary"),
        ("a: [", "cannot be read as YAML"),
    ],
)
def test_a_file_that_is_wrong_is_a_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    file = tmp_path / "services.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=sentence):
        read(file)


async def test_a_removal_whose_answer_is_lost_is_not_posted_again(house: House) -> None:
    await house.hold(senders={ONE: {}})
    await house.service(numbers=[ONE], settings={"friendly_name": "old", "inbound_request_url": INBOUND})
    [change] = [one for one in (await plan(house, OLD_EMPTIED)).changes if one.kind == "leaves"]
    await house.put("faults", {"error_after": 1})
    [done] = await carry(house, (change,))
    # A second call would be told 404, as if nothing had happened.
    assert (done.end, done.stops) == ("unknown", True)
    await house.put("faults", {})
    assert (await held(house)).services[0].members == {}
    assert [one.action for one in await house.audited(change.subject)] == ["changing", "unknown"]


async def test_whose_url_is_called_stays_unless_the_file_says_so(house: House) -> None:
    """It leaves webhooks to its numbers, and has an old URL of another's that nobody calls."""
    other = "https://staging.example.com/sms"
    settings = {"friendly_name": "old", "inbound_request_url": other, "use_inbound_webhook_on_number": True}
    await house.service(settings={**settings, "fallback_url": FALLBACK})
    [change] = (await plan(house, WantedService(name="old", sticky_sender=False))).changes
    assert dict(change.after) == {"sticky_sender": "false"}
    # Said so, it still does not lead what people write to that other.
    refused = await plan(house, WantedService(name="old", inbound="service"))
    assert (refused.changes, [one.where for one in refused.left]) == ((), [other])
    taken = await plan(house, WantedService(name="old", inbound="service"), take=("https://staging.example.com",))
    assert dict(taken.changes[0].after) == {"inbound_request_url": INBOUND, "use_inbound_webhook_on_number": "false"}
    assert taken.left == ()


async def test_who_is_to_join_stays_where_it_is_if_the_new_service_is_not_made(house: House) -> None:
    await house.hold(senders={ONE: {}, TWO: {}})
    await house.service(numbers=[ONE, TWO], settings={"friendly_name": "old"})
    made = await plan(house, WantedService(name="new", senders=[ONE, TWO]))
    first, *moves = made.changes
    wrong = replace(first, after={**first.after, "inbound_request_url": "nowhere"})
    done = await carry(house, (wrong, *moves))
    assert [(one.change.kind, one.end) for one in done] == [
        ("new service", "unchanged"),
        *[("leaves", "unchanged"), ("joins", "unchanged")] * 2,
    ]
    assert set((await held(house)).services[0].members) == {ONE, TWO}
    # Another operator has made one of the name since: a new plan knows its sid, this one does not.
    await carry(house, (first,))
    assert not any(one.end == "changed" for one in await carry(house, made.changes))
    assert {frozenset(one.members) for one in (await held(house)).services} == {frozenset((ONE, TWO)), frozenset()}


async def test_a_busy_twilio_leaves_at_most_one_sender_without_a_service(house: House) -> None:
    await house.hold(senders={ONE: {}, TWO: {}})
    for sid, name, numbers in ((SERVICE, "old", [ONE, TWO]), ("MG" + "e" * 32, "new", [])):
        await house.service(sid, numbers=numbers, settings={"friendly_name": name, "inbound_request_url": INBOUND})
    made = await plan(house, WantedService(name="new", senders=[ONE, TWO]))
    moves = [one for one in made.changes if one.kind in ("leaves", "joins")]
    # Killed, or told 429, behind any of them: the next sender has not left yet.
    for count in range(len(moves) + 1):
        out: set[str] = set()
        for one in moves[:count]:
            out = out | {one.name} if one.kind == "leaves" else out - {one.name}
        assert len(out) <= 1
    await carry(house, tuple(moves))
    members = {one.endpoint.name: set(one.members) for one in (await held(house)).services}
    assert members == {"old": set(), "new": {ONE, TWO}}
