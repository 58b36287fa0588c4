"""Flows and executions as Twilio's own client meets them: conflicts, replies, limits, revisions."""

import asyncio
import json
from typing import Any

import pytest
from aiohttp import web
from twilio.base.exceptions import TwilioRestException

from .flows import OURS, WHO, point, published, state, studio, survey
from .rig import ACCOUNT, SERVICE, SUB_TOKEN, SUBACCOUNT, Endpoint, Rig, eventually


@pytest.fixture(autouse=True)
async def our_number(rig: Rig) -> None:
    assert (await rig.send("PUT", f"accounts/{ACCOUNT}/senders", {OURS: {}}))[0] == 200


async def start(rig: Rig, flow: str, sender: str = OURS, **more: Any) -> Any:
    return await studio(rig).flows(flow).executions.create_async(to=WHO, from_=sender, **more)


async def ended(rig: Rig, flow: str, sid: str) -> Any:
    one = studio(rig).flows(flow).executions(sid)

    async def over() -> bool:
        return bool((await one.fetch_async()).status == "ended")

    await eventually(over)
    return one


async def asked(rig: Rig, body: str = "satisfied?") -> None:
    async def said() -> bool:
        return any(body in dict(one["params"]).get("Body", "") for one in await rig.records("flow"))

    await eventually(said)


async def walked(one: Any) -> list[tuple[str, str, str]]:
    steps = await one.steps.list_async()
    return [(step.name, step.transitioned_from, step.transitioned_to) for step in reversed(steps)]


async def refused(call: Any) -> TwilioRestException:
    with pytest.raises(TwilioRestException) as caught:
        await call
    return caught.value


async def test_a_reply_goes_to_the_flow_and_not_to_our_webhook(rig: Rig, endpoint: Endpoint) -> None:
    flow = await published(rig)
    made = await start(rig, flow, parameters={"name": "Ada"})
    assert (made.status, made.flow_version, made.contact_channel_address) == ("active", 1, WHO)
    await asked(rig, "Dear Ada")
    await rig.hear(WHO, OURS, "yes")
    one = await ended(rig, flow, made.sid)
    assert await walked(one) == [
        ("incomingRequest", "Trigger", "ask"),
        ("incomingMessage", "ask", "judge"),
        ("match", "judge", "thank"),
        ("sent", "thank", "Ended"),
    ]
    [_, reply, *_] = reversed(await one.steps.list_async())
    context = (await one.steps(reply.sid).step_context().fetch_async()).context
    assert context["widgets"]["ask"]["inbound"]["Body"] == "yes"
    assert context["widgets"]["ask"]["inbound"]["From"] == WHO
    assert [dict(one["params"])["Body"] for one in await rig.records("flow")] == ["Dear Ada, satisfied?", "Thanks"]
    assert endpoint.received == []


async def test_without_the_number_pointing_at_the_flow_the_reply_is_ours(rig: Rig, endpoint: Endpoint) -> None:
    flow = await published(rig, survey(timeout="1"), inbound=False)
    made = await start(rig, flow)
    await asked(rig)
    await rig.hear(WHO, OURS, "yes")
    assert [got["Body"] for got in endpoint.received] == ["yes"]
    assert (await walked(await ended(rig, flow, made.sid)))[-1] == ("timeout", "ask", "Ended")


async def test_one_execution_at_a_time_for_the_same_two_ends(rig: Rig) -> None:
    flow, other = await published(rig), await published(rig)
    made = await start(rig, flow)
    for again in (flow, other):
        conflict = await refused(start(rig, again))
        assert (conflict.status, conflict.code) == (409, 20409)
        assert conflict.details == {"conflicting_execution_sid": made.sid}
    assert (await start(rig, other, sender="+14155552672")).status == "active"
    assert (await studio(rig).flows(flow).executions(made.sid).update_async("ended")).status == "ended"
    assert (await start(rig, other)).status == "active"


async def test_ending_an_execution_silences_it(rig: Rig) -> None:
    flow = await published(rig)
    made = await start(rig, flow)
    await asked(rig)
    await studio(rig).flows(flow).executions(made.sid).update_async("ended")
    await rig.hear(WHO, OURS, "yes")
    # Nobody waits for it any more, so that it starts the flow anew.
    [new] = [one for one in await studio(rig).flows(flow).executions.list_async() if one.sid != made.sid]
    await ended(rig, flow, new.sid)
    assert new.initiated_by.startswith("SM")
    assert [dict(one["params"])["Body"] for one in await rig.records("flow")] == ["Dear , satisfied?", "Thanks"]


async def test_by_a_service_the_service_is_the_end_that_counts(rig: Rig) -> None:
    flow = await published(rig, inbound=False)
    url = (await studio(rig).flows(flow).fetch_async()).webhook_url
    client = rig.client()
    client.messaging.base_url = rig.url
    await rig.set_service(numbers=[OURS])
    await client.messaging.v1.services(SERVICE).update_async(inbound_request_url=url)
    by_service = await start(rig, flow, sender=SERVICE)
    await asked(rig)
    await rig.hear(WHO, OURS, "yes")
    await ended(rig, flow, by_service.sid)
    by_number = await start(rig, flow)
    await rig.hear(WHO, OURS, "yes")
    newest, *_ = await studio(rig).flows(flow).executions.list_async()
    assert newest.sid != by_number.sid, "with the number as From each reply starts a new execution"
    assert (await studio(rig).flows(flow).executions(by_number.sid).fetch_async()).status == "active"


async def test_a_person_who_opted_out_is_not_written_to(rig: Rig) -> None:
    flow = await published(rig)
    await point(rig, "")
    await rig.hear(WHO, OURS, "STOP")
    one = await ended(rig, flow, (await start(rig, flow)).sid)
    assert await walked(one) == [("incomingRequest", "Trigger", "ask"), ("deliveryFailure", "ask", "Ended")]


async def test_twenty_a_second_and_account(rig: Rig) -> None:
    flow = await published(rig, inbound=False)
    calls = (
        studio(rig).flows(flow).executions.create_async(to=WHO, from_=f"+1415555{at:04}") for at in range(3000, 3025)
    )
    answers = await asyncio.gather(*calls, return_exceptions=True)
    over = [one for one in answers if isinstance(one, TwilioRestException)]
    assert {(one.status, one.code) for one in over} == {(429, 20429)}
    assert len(answers) - len(over) >= 20


async def test_what_is_refused(rig: Rig) -> None:
    flow = await published(rig)
    executions = studio(rig).flows(flow).executions
    long = await refused(executions.create_async(to="client:" + "a" * 290, from_=OURS))
    assert (long.status, long.code) == (400, 81023)
    missing = await refused(studio(rig).flows("FW" + "0" * 32).executions.create_async(to=WHO, from_=OURS))
    assert (missing.status, missing.code) == (404, 20404)
    foreign = rig.client(SUBACCOUNT, SUB_TOKEN)
    other = await refused(studio(rig, foreign).flows(flow).executions.create_async(to=WHO, from_=OURS))
    assert (other.status, other.code) == (404, 20404)
    garbled = await refused(executions.create_async(to=WHO, from_=OURS, parameters="{"))
    assert (garbled.status, garbled.code) == (400, 20001)


def twice(definition: dict[str, Any]) -> None:
    definition["states"].append(definition["states"][1])


def astray(definition: dict[str, Any]) -> None:
    definition["states"][0]["transitions"][0]["next"] = "nowhere"


@pytest.mark.parametrize("spoil", [twice, astray])
async def test_a_wrong_definition_is_told_apart_and_never_published(rig: Rig, spoil: Any) -> None:
    definition = survey()
    spoil(definition)
    told = {"friendly_name": "Survey", "status": "published", "definition": json.dumps(definition)}
    for call in (studio(rig).flows.create_async, studio(rig).flow_validate.update_async):
        wrong = await refused(call(**told))
        assert (wrong.status, wrong.code) == (400, 81022)
        assert wrong.details["errors"]
    draft = await studio(rig).flows.create_async(**told | {"status": "draft"})
    assert (draft.valid, bool(draft.errors)) == (False, True)
    never = await refused(studio(rig).flows(draft.sid).executions.create_async(to=WHO, from_=OURS))
    assert never.code == 20404
    assert (await studio(rig).flow_validate.update_async(**told | {"definition": json.dumps(survey())})).valid


async def test_revisions_drafts_and_test_users(rig: Rig) -> None:
    flow = studio(rig).flows(await published(rig, inbound=False))
    draft = json.dumps(survey() | {"description": "Another"})
    assert (await flow.update_async(status="draft", definition=draft, commit_message="Try it")).revision == 2
    assert (await flow.test_users().update_async(["+14155550199"])).test_users == ["+14155550199"]
    executions = flow.executions
    assert (await executions.create_async(to=WHO, from_=OURS)).flow_version == 1
    assert (await executions.create_async(to="+14155550199", from_=OURS)).flow_version == 2
    told = {one.revision: (one.status, one.commit_message) for one in await flow.revisions.list_async()}
    assert told == {1: ("published", None), 2: ("draft", "Try it")}
    assert (await flow.revisions("LatestPublished").fetch_async()).revision == 1
    assert (await flow.revisions("LatestRevision").fetch_async()).definition["description"] == "Another"
    assert (await flow.update_async(status="published")).revision == 3
    assert (await flow.revisions("LatestPublished").fetch_async()).definition["description"] == "Another"


async def test_lists_are_filtered_and_deleted_ones_gone(rig: Rig) -> None:
    flow = studio(rig).flows(await published(rig))
    one = await flow.executions.create_async(to=WHO, from_=OURS)
    other = await flow.executions.create_async(to=WHO, from_="+14155552672")
    await flow.executions(one.sid).update_async("ended")
    for status, sid in (("ended", one.sid), ("active", other.sid)):
        assert [found.sid for found in await flow.executions.list_async(status=status)] == [sid]
    assert len(await flow.executions.list_async(page_size=1)) == 2
    assert await flow.executions(one.sid).delete_async()
    assert (await refused(flow.executions(one.sid).fetch_async())).code == 20404


async def test_http_widgets_call_us_unsigned(rig: Rig, endpoint: Endpoint) -> None:
    endpoint.answers = [web.Response(text="{}")]
    tell = {
        "url": f"{endpoint.url}/widget",
        "method": "POST",
        "parameters": [{"key": "who", "value": "{{flow.data.id}}"}],
    }
    states = [
        state("Trigger", "trigger", {}, ("incomingRequest", "note")),
        state("note", "set-variables", {"variables": [{"key": "a", "value": "b"}]}, ("next", "tell")),
        state("tell", "make-http-request", tell, ("success", None), ("failed", None)),
    ]
    flow = await published(rig, {"description": "", "initial_state": "Trigger", "states": states})
    one = await ended(rig, flow, (await start(rig, flow, parameters={"id": "u1"})).sid)
    assert (await walked(one))[-1] == ("success", "tell", "Ended")
    [got] = endpoint.received
    assert (got.path, got["who"]) == ("/widget", "u1")
    assert "X-Twilio-Signature" not in got.headers


async def test_a_flow_is_there_under_the_sid_that_was_chosen(rig: Rig) -> None:
    flow = "FW" + "1" * 32
    asked_for = {"account_sid": ACCOUNT, "definition": survey(), "numbers": [OURS]}
    assert (await rig.send("PUT", f"flows/{flow}", asked_for))[0] == 200
    made = await start(rig, flow, parameters={"name": "Ada"})
    await asked(rig, "Dear Ada")
    await rig.hear(WHO, OURS, "yes")
    await ended(rig, flow, made.sid)
    _, told = await rig.send("GET", "executions", None)
    steps = ["incomingRequest ask", "incomingMessage judge", "match thank", "sent Ended"]
    one = {"sid": made.sid, "account_sid": ACCOUNT, "flow_sid": flow, "to": WHO, "from": OURS, "status": "ended"}
    assert told == {"executions": [{**one, "by_api": True, "data": {"name": "Ada"}, "steps": steps}]}


async def test_what_a_flow_is_told_is_no_webhook_of_ours(rig: Rig) -> None:
    await published(rig)
    await rig.hear(WHO, OURS, "hello")
    _, told = await rig.send("GET", "callbacks", None)
    assert [one["kind"] for one in told["callbacks"]] == ["own"]


@pytest.mark.parametrize(
    ("sid", "request_", "said"),
    [
        ("FW1", {"account_sid": ACCOUNT, "definition": survey()}, "FW1 is no flow"),
        ("FW" + "1" * 32, {"account_sid": "AC" + "9" * 32, "definition": survey()}, "no such account"),
        ("FW" + "1" * 32, {"account_sid": ACCOUNT, "definition": {"states": []}}, "#/states"),
        ("FW" + "1" * 32, {"account_sid": ACCOUNT}, "definition"),
    ],
)
async def test_what_is_no_flow_is_not_taken(rig: Rig, sid: str, request_: Any, said: str) -> None:
    status, told = await rig.send("PUT", f"flows/{sid}", request_)
    assert status == 400
    assert said in told["errors"][0]
