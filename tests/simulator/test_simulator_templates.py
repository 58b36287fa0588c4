"""Content templates: made, asked of WhatsApp, listed; and what a message may not be made of."""

from collections.abc import Mapping
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from .rig import SERVICE, SUB_TOKEN, SUBACCOUNT, Rig, basic

TO, FROM = "whatsapp:+14155550123", "whatsapp:+14155552671"
BODY = "Hello {{1}}, your order {{2}} is now on its way to you and arrives tomorrow."
TYPES = {"twilio/text": {"body": BODY}}


def client_of(rig: Rig, *credentials: str) -> Client:
    client = rig.client(*credentials)
    client.content.base_url = rig.url
    return client


async def make(rig: Rig, language: str = "en", types: Mapping[str, Any] = TYPES, **fields: Any) -> str:
    """The sid of a new template."""
    given = {
        "friendly_name": "shipped",
        "language": language,
        "variables": {"1": "Ada", "2": "4711"},
        "types": types,
        **fields,
    }
    async with rig.session.post(f"{rig.url}/v1/Content", json=given, headers=basic()) as answer:
        assert answer.status == 201, await answer.text()
        return str((await answer.json())["sid"])


async def submit(rig: Rig, sid: str, **fields: Any) -> tuple[int, Any]:
    asked = {"name": "shipped", "category": "UTILITY", **fields}
    path = f"{rig.url}/v1/Content/{sid}/ApprovalRequests/whatsapp"
    async with rig.session.post(path, json=asked, headers=basic()) as answer:
        return answer.status, await answer.json()


async def decide(rig: Rig, sid: str, status: str) -> None:
    assert (await rig.send("PUT", f"templates/{sid}", {"status": status}))[0] == 200


async def state(rig: Rig, sid: str) -> tuple[str, str]:
    found = await client_of(rig).content.v1.contents(sid).approval_fetch().fetch_async()
    return found.whatsapp["status"], found.whatsapp["rejection_reason"]


async def end(rig: Rig, sid: str, variables: str | None = '{"1": "Bo", "2": "1"}', to: str = TO) -> int | None:
    """The code with which a message of it is refused or ends; None where it arrives."""
    client = rig.client()
    sender = FROM if to == TO else FROM.removeprefix("whatsapp:")
    try:
        made = await client.messages.create_async(to=to, from_=sender, content_sid=sid, content_variables=variables)
    except TwilioRestException as refused:
        return int(refused.code)
    await rig.quiet()
    return (await client.messages(made.sid).fetch_async()).error_code  # type: ignore[return-value]


async def test_a_template_is_made_changed_submitted_and_gone(rig: Rig) -> None:
    sid = await make(rig)
    contents = client_of(rig).content.v1.contents
    assert (await contents(sid).fetch_async()).variables == {"1": "Ada", "2": "4711"}
    assert await state(rig, sid) == ("unsubmitted", "")
    changed = {"types": {"twilio/text": {"body": BODY + " Bye now."}}, "friendly_name": "later"}
    async with rig.session.put(f"{rig.url}/v1/Content/{sid}", json=changed, headers=basic()) as answer:
        told = await answer.json()
    assert (told["friendly_name"], told["language"], told["types"]) == ("later", "en", changed["types"])
    assert await submit(rig, sid) == (201, {
        "name": "shipped", "category": "UTILITY", "content_type": "twilio/text", "status": "received",
        "rejection_reason": "", "allow_category_change": True,
    })  # fmt: skip
    assert await state(rig, sid) == ("pending", "")
    assert (await submit(rig, sid))[1]["code"] == 92009
    assert await contents(sid).delete_async()
    with pytest.raises(TwilioRestException) as gone:
        await contents(sid).fetch_async()
    assert gone.value.status == 404


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("{{1}} is your order, and it will be with you soon", "begins or ends"),
        ("Your order is on its way, thanks for it, {{1}}", "begins or ends"),
        ("Your order {{1}} {{2}} is now on its way to where you live", "next to each other"),
        ("Order {{1}} for {{2}} now", "too many variables"),
        ("Your order {{1}} is on its way to you, and {{3}} brings it soon", "sequential"),
    ],
)
async def test_whatsapp_rejects_what_breaks_its_rules(rig: Rig, body: str, why: str) -> None:
    sid = await make(rig, types={"twilio/text": {"body": body}}, variables={"1": "a", "2": "b", "3": "c"})
    await submit(rig, sid)
    status, reason = await state(rig, sid)
    assert (status, why in reason) == ("rejected", True), reason


async def test_what_no_template_is_is_refused(rig: Rig) -> None:
    many = {"twilio/text": {"body": " and ".join(f"{{{{{one}}}}}" for one in range(1, 102))}}
    for given in ({"types": TYPES}, {"language": "en"}, {"language": "en", "types": {"twilio/pigeon": {}}},
                  {"language": "en", "types": many}, {"language": "en", "types": {"twilio/text": {"body": "{{a b}}"}}},
                  {"language": "en", "types": TYPES, "variables": ["1"]}):  # fmt: skip
        async with rig.session.post(f"{rig.url}/v1/Content", json=given, headers=basic()) as answer:
            assert answer.status == 400, given
    sid = await make(rig)
    for wrong in ({"name": "Shipped!"}, {"category": "TRANSACTIONAL"}):
        assert (await submit(rig, sid, **wrong))[0] == 400


async def test_lists_are_paged_and_the_second_version_filters(rig: Rig) -> None:
    german = await make(rig, "de", friendly_name="versandt")
    english = [await make(rig, friendly_name=f"shipped {number}") for number in range(3)]
    await submit(rig, german)
    await decide(rig, german, "approved")
    client = client_of(rig)
    assert [one.sid for one in await client.content.v1.contents.list_async(page_size=2)] == [german, *english]
    first, *_ = await client.content.v1.content_and_approvals.list_async(page_size=2)
    assert (first.approval_requests["name"], first.approval_requests["status"]) == ("shipped", "approved")
    filtered = client.content.v2.content_and_approvals.list_async
    assert [one.sid for one in await filtered(channel_eligibility=["whatsapp:approved"])] == [german]
    assert [one.sid for one in await filtered(language=["en"], content_name="1$")] == [english[1]]
    contents = client.content.v2.contents.list_async
    assert len(await contents(content="on its way", content_type=["twilio/text"])) == 4
    found = await contents(sort_by_content_name="desc")
    assert found[0].friendly_name == "versandt"
    other = client_of(rig, SUBACCOUNT, SUB_TOKEN)
    assert await other.content.v1.contents.list_async() == []


async def test_a_message_of_a_template_meets_its_state(rig: Rig) -> None:
    await rig.send("PUT", "windows", {"enforce": True})
    assert await end(rig, "HX" + "e" * 32) is None
    sid = await make(rig)
    assert await end(rig, "HX" + "e" * 32) == 21655
    # It was not approved, and nobody has written.
    assert await end(rig, sid) == 63016
    assert await end(rig, sid, to=TO.removeprefix("whatsapp:")) is None
    for status, code in {
        "pending": 63016,
        "approved": None,
        "rejected": 63040,
        "paused": 63041,
        "disabled": 63042,
    }.items():
        await decide(rig, sid, status)
        assert await end(rig, sid) == code, status
    await rig.hear(TO, FROM, "hi")
    await decide(rig, sid, "unsubmitted")
    assert await end(rig, sid) is None


async def test_a_sample_stands_in_for_what_a_send_leaves_out(rig: Rig) -> None:
    await rig.send("PUT", "windows", {"enforce": True})
    sid = await make(rig, variables={"1": "Ada"})
    await decide(rig, sid, "approved")
    assert await end(rig, sid, '{"2": "4711"}') is None
    assert await end(rig, sid, '{"1": "Bo"}') == 21656
    picker = await make(rig, types={"twilio/list-picker": {"body": "Pick one", "button": "Go", "items": []}})
    await decide(rig, picker, "approved")
    assert await end(rig, picker) == 63016
    code = await make(rig, types={"whatsapp/authentication": {"actions": []}}, variables={})
    await decide(rig, code, "approved")
    assert (await end(rig, code, None), await end(rig, code, '{"1": "123456"}')) == (21656, None)


async def test_a_message_of_a_template_has_its_text_and_by_a_service_shows_none(rig: Rig) -> None:
    emoji = "\U0001f600" * 40
    sid = await make(rig, types={"twilio/text": {"body": BODY}})
    messages, variables = rig.client().messages, f'{{"1": "Bo", "2": "{emoji}"}}'
    to, sender = TO.removeprefix("whatsapp:"), FROM.removeprefix("whatsapp:")
    made = await messages.create_async(to=to, from_=sender, content_sid=sid, content_variables=variables)
    assert made.body == BODY.replace("{{1}}", "Bo").replace("{{2}}", emoji)
    assert made.num_segments == "3"
    sampled = await messages.create_async(to=to, from_=sender, content_sid=sid)
    assert sampled.body == BODY.replace("{{1}}", "Ada").replace("{{2}}", "4711")
    served = await messages.create_async(to=to, messaging_service_sid=SERVICE, content_sid=sid)
    assert served.body == ""
    listed = {one.sid: one.body for one in await messages.list_async(to=to)}
    assert listed == {made.sid: made.body, sampled.sid: sampled.body, served.sid: ""}
