"""The simulator's answers against Twilio's published OpenAPI, judged by Prism as a proxy in between.

Twilio publishes the specification inside an npm package; both packages are pinned in `openapi/`. The
specification describes successes only, so error bodies are checked in the other tests.
"""

import asyncio
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from aiohttp import web
from yarl import URL

from services.contract.parameters import PARAMETERS
from services.embedded.ports import pick
from tests.faults.balancer import balancing

from .flows import OURS, studio, survey
from .rig import ACCOUNT, SERVICE, Endpoint, Rig, basic

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SPEC = "@twilio/cli-core/src/services/twilio-api/twilio_api_v2010.json"
MESSAGES = "/2010-04-01/Accounts/{AccountSid}/Messages.json"
MEDIA = "/2010-04-01/Accounts/{AccountSid}/Messages/{MessageSid}/Media.json"
NUMBERS = "/2010-04-01/Accounts/{AccountSid}/IncomingPhoneNumbers.json"
SHORT_CODES = "/2010-04-01/Accounts/{AccountSid}/SMS/ShortCodes.json"
HERE = Path(__file__).parent / "openapi"
MESSAGING = SPEC.replace("api_v2010", "messaging_v1")
TO, FROM = "+14155550123", "+14155552671"


async def installed() -> Path:
    """Where the two packages are: a cache outside the tree, filled once for each lock file."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed, so Twilio's OpenAPI cannot be had")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "switchboard"
    target = cache / f"openapi-{hashlib.sha256((HERE / 'package-lock.json').read_bytes()).hexdigest()[:16]}"
    if not target.exists():
        cache.mkdir(parents=True, exist_ok=True)
        # Installed aside and renamed, so that a broken install is never taken for a whole one.
        with tempfile.TemporaryDirectory(dir=cache) as aside:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(HERE / name, aside)
            command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            process = await asyncio.create_subprocess_exec(*command, cwd=aside)
            assert await process.wait() == 0, "npm could not install the packages; see its words above"
            target.mkdir()
            (Path(aside) / "node_modules").rename(target / "node_modules")
    return target / "node_modules"


class Judge(NamedTuple):
    """A proxy that answers 500 wherever an answer breaks a specification; `upstream` is the port that it asks."""

    url: str
    upstream: int


Judged = Callable[..., AbstractAsyncContextManager[str]]


@pytest.fixture(scope="module")
def judges() -> Iterator[tuple[dict[str, Judge], ExitStack]]:
    """By the specification's file. A proxy takes seconds to read one, so it stays, whoever is judged."""
    with ExitStack() as stack:
        yield {}, stack


@pytest.fixture
def judged(judges: tuple[dict[str, Judge], ExitStack], tmp_path_factory: pytest.TempPathFactory) -> Judged:
    known, stack = judges

    @asynccontextmanager
    async def before(upstream: str, spec_file: str = SPEC) -> AsyncIterator[str]:
        """The URL of a judge before `upstream`."""
        if spec_file not in known:
            modules = await installed()
            spec = tmp_path_factory.mktemp("judge") / "spec.json"
            spec.write_text(_coherent((modules / spec_file).read_text()))
            known[spec_file] = await asyncio.to_thread(_judge, modules, spec, stack)
        judge = known[spec_file]
        async with balancing(judge.upstream, lambda: [URL(upstream).port]):
            yield judge.url

    return before


def _coherent(text: str) -> str:
    """The specification without its contradictions.

    It calls the URIs of the older API's pages absolute, while its examples have them relative, as Twilio's client needs
    them; and prices numbers, while its examples and what it tells generators of clients have them as texts.
    """
    spec = json.loads(text, object_hook=_told_to_clients)
    for path in (MESSAGES, MEDIA, NUMBERS, SHORT_CODES):
        if path in spec["paths"]:
            _relative(spec["paths"][path]["get"]["responses"]["200"]["content"]["application/json"])
    return json.dumps(spec)


def _told_to_clients(found: dict[str, Any]) -> dict[str, Any]:
    told = (found.get("x-twilio") or {}).get("overrideType") if isinstance(found.get("x-twilio"), dict) else None
    return {**found, "type": told} if told == "string" and found.get("type") == "number" else found


def _relative(page: dict[str, Any]) -> None:
    examples = list(page["examples"].values())
    for name, schema in page["schema"]["properties"].items():
        if schema.get("format") == "uri":
            assert all((example["value"].get(name) or "/").startswith("/") for example in examples), name
            schema["format"] = "uri-reference"


def _judge(modules: Path, spec: Path, stack: ExitStack) -> Judge:
    port, upstream = pick(), pick()
    asks = f"http://127.0.0.1:{upstream}"
    command = [modules / ".bin/prism", "proxy", "--errors", spec, asks, "--host", "127.0.0.1", "--port", str(port)]
    log = spec.with_suffix(".log")
    with log.open("wb") as out:
        process = stack.enter_context(subprocess.Popen(command, stdout=out, stderr=out))
    stack.callback(process.terminate)
    deadline = time.monotonic() + 60
    while b"listening" not in log.read_bytes():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)
    return Judge(f"http://127.0.0.1:{port}", upstream)


async def test_every_answer_keeps_to_the_specification(rig: Rig, endpoint: Endpoint, judged: Judged) -> None:
    async with judged(rig.url) as proxy:
        client = Rig(proxy, rig.session, rig.clients).client()
        sms = await client.messages.create_async(to=TO, from_=FROM, body="Hello", status_callback=endpoint.url)
        # Past the proxy, which takes a list in a form for a string; its answer is judged when it is listed.
        await rig.client().messages.create_async(to=TO, from_=FROM, media_url=["https://cdn.example.com/a.png"])
        await client.messages.create_async(to=f"whatsapp:{TO}", from_=f"whatsapp:{FROM}", body="Hello")
        await client.messages.create_async(to=TO, messaging_service_sid=SERVICE, body="Hello")
        await rig.send("POST", "inbound", {"account_sid": ACCOUNT, "from": TO, "to": FROM, "body": "Hi"})
        await rig.quiet()
        assert (await client.messages(sms.sid).fetch_async()).status == "delivered"
        day = {"date_sent_after": datetime.now(UTC) - timedelta(days=1)}
        assert len(await client.messages.list_async(page_size=2, **day)) == 5
        assert (await client.messages(sms.sid).update_async(body="")).body == ""
        assert await client.messages(sms.sid).delete_async()


async def test_what_hangs_on_a_message_and_the_account_keep_to_it_too(rig: Rig, judged: Judged) -> None:
    mms = await rig.client().messages.create_async(to=TO, from_=FROM, media_url=["https://cdn.example.com/a.png"] * 2)
    await rig.quiet()
    async with judged(rig.url) as proxy:
        client = Rig(proxy, rig.session, rig.clients).client()
        first, second = await client.messages(mms.sid).media.list_async()
        assert (await client.messages(mms.sid).media(first.sid).fetch_async()).parent_sid == mms.sid
        assert await client.messages(mms.sid).media(first.sid).delete_async()
        assert [one.sid for one in await client.messages(mms.sid).media.list_async()] == [second.sid]
        assert (await client.messages(mms.sid).feedback.create_async(outcome="confirmed")).outcome == "confirmed"
        assert (await client.api.v2010.accounts(ACCOUNT).fetch_async()).status == "active"
        assert (await client.balance.fetch_async()).currency == "USD"


async def test_every_parameter_of_a_create_is_known_to_intake() -> None:
    spec = json.loads((await installed() / SPEC).read_text())
    form = spec["paths"][MESSAGES]["post"]["requestBody"]["content"]["application/x-www-form-urlencoded"]
    assert set(form["schema"]["properties"]) <= set(PARAMETERS.values())


async def test_failures_and_scheduled_messages_keep_to_it_too(rig: Rig, judged: Judged) -> None:
    async with judged(rig.url) as proxy:
        client = Rig(proxy, rig.session, rig.clients).client()
        later = {"schedule_type": "fixed", "send_at": datetime.now(UTC) + timedelta(hours=1)}
        scheduled = await client.messages.create_async(to=TO, messaging_service_sid=SERVICE, body="Later", **later)
        assert (await client.messages(scheduled.sid).update_async(status="canceled")).status == "canceled"
        await rig.set_faults(undelivered=1)
        lost = await client.messages.create_async(to=TO, from_=FROM, body="Hello")
        await rig.quiet()
        assert (await client.messages(lost.sid).fetch_async()).error_code in (30003, 30005)


async def test_the_lists_of_our_senders_keep_to_it(rig: Rig, judged: Judged) -> None:
    await rig.set_service(numbers=[FROM, "+18005550100", "12345", "ACME", f"whatsapp:{FROM}", "rcs:acme_agent"])
    async with judged(rig.url) as proxy:
        client = Rig(proxy, rig.session, rig.clients).client()
        assert len(await client.incoming_phone_numbers.list_async(page_size=1)) == 2
        assert len(await client.api.account.short_codes.list_async()) == 1
    async with judged(rig.url, MESSAGING) as proxy:
        client = rig.client()
        client.messaging.base_url = proxy
        [service] = await client.messaging.v1.services.list_async()
        assert (await client.messaging.v1.services(service.sid).fetch_async()).sid == SERVICE
        assert len(await service.phone_numbers.list_async()) == 2
        for members, count in ((service.short_codes, 1), (service.alpha_senders, 1), (service.channel_senders, 2)):
            assert len(await members.list_async()) == count


async def test_content_templates_keep_to_it(rig: Rig, judged: Judged) -> None:
    body = "Hello {{1}}, your order {{2}} is now on its way to you and arrives tomorrow."
    given = {"language": "en", "types": {"twilio/text": {"body": body}}, "variables": {"1": "Ada", "2": "4711"}}
    async with judged(rig.url, SPEC.replace("api_v2010", "content_v1")) as proxy:
        client = rig.client()
        client.content.base_url = proxy
        for call, path, content in (
            (rig.session.post, "", given),
            (rig.session.post, "", given | {"friendly_name": "another"}),
            (rig.session.put, "/{sid}", {"types": given["types"]}),
            (rig.session.post, "/{sid}/ApprovalRequests/whatsapp", {"name": "shipped", "category": "UTILITY"}),
        ):
            sid = [one.sid for one in await client.content.v1.contents.list_async()][-1:]
            url = f"{proxy}/v1/Content{path}".format(sid="".join(map(str, sid)))
            async with call(url, json=content, headers=basic()) as answer:
                assert answer.status in (200, 201), await answer.text()
        [first, second] = await client.content.v1.contents.list_async(page_size=1)
        assert (await client.content.v1.contents(second.sid).fetch_async()).friendly_name == "another"
        assert (await client.content.v1.contents(second.sid).approval_fetch().fetch_async()).whatsapp["status"]
        assert len(await client.content.v1.content_and_approvals.list_async()) == 2
        assert await client.content.v1.contents(first.sid).delete_async()
    async with judged(rig.url, SPEC.replace("api_v2010", "content_v2")) as proxy:
        client = rig.client()
        client.content.base_url = proxy
        assert len(await client.content.v2.contents.list_async(content_name="another")) == 1
        assert len(await client.content.v2.content_and_approvals.list_async(sort_by_date="asc")) == 1


async def test_the_price_list_keeps_to_it(rig: Rig, judged: Judged) -> None:
    async with judged(rig.url, SPEC.replace("api_v2010", "pricing_v1")) as proxy:
        client = rig.client()
        client.pricing.base_url = proxy
        countries = client.pricing.v1.messaging.countries
        listed = [one.iso_country for one in await countries.list_async(page_size=2)]
        assert listed == sorted(listed)
        assert "US" in listed
        us = await countries("US").fetch_async()
        assert us.price_unit.upper() == "USD"
        assert us.outbound_sms_prices[0]["prices"][0]["current_price"] == "0.0075"
        assert us.inbound_sms_prices


async def test_what_lookup_says_keeps_to_its_examples(rig: Rig) -> None:
    """The specification's own examples have nulls where its types allow none, so Prism would refuse them."""
    spec = json.loads((await installed() / SPEC.replace("api_v2010", "lookups_v2")).read_text())
    stated = spec["paths"]["/v2/PhoneNumbers/{PhoneNumber}"]["get"]["responses"]["200"]["content"]["application/json"]
    lines = {"+14155550120": {"type": "landline", "carrier_name": "Bell"}, "+14155550121": {"error_code": 60600}}
    assert (await rig.send("PUT", "lines", {"lines": lines}))[0] == 200
    client = rig.client()
    client.lookups.base_url = rig.url

    async def look(number: str, fields: str, example: str) -> Any:
        wanted = stated["examples"][example]["value"]
        found = await client.lookups.v2.phone_numbers(number).fetch_async(fields=fields)
        assert {name for name in wanted if getattr(found, name) is None} == {
            name for name, value in wanted.items() if value is None
        }
        if line := wanted["line_type_intelligence"]:
            assert set(found.line_type_intelligence) == set(line)
        return found

    wanted = ("line_type_intelligence", "fetchLineTypeIntelligence")
    assert (await look("+14155550120", *wanted)).line_type_intelligence["type"] == "landline"
    assert (await look("+14155550122", *wanted)).line_type_intelligence["type"] == "mobile"
    assert (await look("+14155550121", *wanted)).line_type_intelligence["error_code"] == 60600
    assert (await look("+15065550121", *wanted)).line_type_intelligence["error_code"] == 60601
    await look("+14155550122", "", "fetch")
    none = await look("+1415555012345", "line_type_intelligence", "fetchInvalid")
    assert (none.valid, none.validation_errors) == (False, ["TOO_LONG"])


async def test_what_operations_change_keeps_to_it(rig: Rig, judged: Judged) -> None:
    whatsapp = f"whatsapp:{FROM}"
    for what, told in (("senders", {FROM: {}, "12345": {}, whatsapp: {}}), ("alerts", [{}, {"error_code": "30007"}])):
        assert (await rig.send("PUT", f"accounts/{ACCOUNT}/{what}", told))[0] == 200
    url = "https://hooks.example.com/twilio/acme/messages#rc=4&rp=5xx"
    async with judged(rig.url) as proxy:
        client = Rig(proxy, rig.session, rig.clients).client()
        [number] = await client.incoming_phone_numbers.list_async()
        assert (await client.incoming_phone_numbers(number.sid).update_async(sms_url=url)).sms_url == url
        assert (await client.incoming_phone_numbers(number.sid).fetch_async()).sms_url == url
        [code] = await client.api.account.short_codes.list_async()
        assert (await client.api.account.short_codes(code.sid).update_async(sms_url=url)).sms_url == url
    async with judged(rig.url, MESSAGING) as proxy:
        client = rig.client()
        client.messaging.base_url = proxy
        services = client.messaging.v1.services
        made = await services.create_async(friendly_name="a", sticky_sender=False, inbound_request_url=url)
        assert (await services(made.sid).update_async(area_code_geomatch=True)).area_code_geomatch
        pool = services(made.sid).phone_numbers
        assert (await pool.create_async(number.sid)).phone_number == FROM
        assert (await pool(number.sid).fetch_async()).sid == number.sid
        assert await pool(number.sid).delete_async()
        assert (await services(made.sid).alpha_senders.create_async("ACME")).alpha_sender == "ACME"
    async with judged(rig.url, SPEC.replace("api_v2010", "messaging_v2")) as proxy:
        client = rig.client()
        client.messaging.base_url = proxy
        [sender] = await client.messaging.v2.channels_senders.list_async(channel="whatsapp")
        answer = rig.session.post(
            f"{proxy}/v2/Channels/Senders/{sender.sid}", json={"webhook": {"callback_url": url}}, headers=basic()
        )
        async with answer as told:
            assert told.status == 202, await told.text()
        assert (await client.messaging.v2.channels_senders(sender.sid).fetch_async()).webhook["callback_url"] == url
    async with judged(rig.url, SPEC.replace("api_v2010", "monitor_v1")) as proxy:
        client = rig.client()
        client.monitor.base_url = proxy
        assert [one.error_code for one in await client.monitor.v1.alerts.list_async()] == ["30007", "11200"]


async def test_the_judge_would_see_a_violation(rig: Rig, judged: Judged) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"sid": "SM" + "0" * 32, "num_segments": 1}, status=201)

    app = web.Application()
    app.router.add_post("/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with judged(f"http://127.0.0.1:{runner.addresses[0][1]}") as proxy:
        url = f"{proxy}/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
        async with rig.session.post(url, data={"To": TO}, headers=basic()) as response:
            problem = await response.text()
    await runner.cleanup()
    assert response.status == 500
    assert "num_segments" in problem


async def test_studio_keeps_to_it(rig: Rig, judged: Judged) -> None:
    assert (await rig.send("PUT", f"accounts/{ACCOUNT}/senders", {OURS: {}}))[0] == 200
    async with judged(rig.url, SPEC.replace("api_v2010", "studio_v2")) as proxy:
        told = {"friendly_name": "Survey", "status": "published", "definition": json.dumps(survey())}
        v2 = studio(rig, url=proxy)
        assert (await v2.flow_validate.update_async(**told)).valid
        made = await v2.flows.create_async(**told, commit_message="First")
        assert [one.sid for one in await v2.flows.list_async()] == [made.sid]
        flow = v2.flows(made.sid)
        assert (await flow.update_async(status="draft")).revision == 2
        assert len(await flow.revisions.list_async()) == 2
        assert (await flow.revisions("LatestPublished").fetch_async()).revision == 1
        # Set past the judge, who takes no repeated field for a list.
        assert await studio(rig).flows(made.sid).test_users().update_async(["+14155550199"])
        assert (await studio(rig, url=proxy).flows(made.sid).test_users().fetch_async()).test_users == ["+14155550199"]
        execution = await flow.executions.create_async(to=TO, from_=FROM, parameters={"name": "Ada"})
        one = flow.executions(execution.sid)
        assert (await one.execution_context().fetch_async()).context["flow"]["data"] == {"name": "Ada"}
        [step] = await one.steps.list_async()
        assert (await one.steps(step.sid).fetch_async()).transitioned_to == "ask"
        assert (await one.steps(step.sid).step_context().fetch_async()).step_sid == step.sid
        assert [found.sid for found in await flow.executions.list_async(status="active")] == [execution.sid]
        assert (await one.update_async("ended")).status == "ended"
        assert (await one.fetch_async()).status == "ended"
        assert await one.delete_async()
        assert await flow.delete_async()
