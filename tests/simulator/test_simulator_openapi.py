"""The simulator's answers against Twilio's published OpenAPI, judged by Prism as a proxy in between.

Twilio publishes the specification inside an npm package; both packages are pinned in `openapi/`. The
specification describes successes only, so error bodies are checked in the other tests.
"""

import asyncio
import hashlib
import json
import os
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web

from .rig import ACCOUNT, SERVICE, Endpoint, Rig, basic

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SPEC = "@twilio/cli-core/src/services/twilio-api/twilio_api_v2010.json"
HERE = Path(__file__).parent / "openapi"
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


@asynccontextmanager
async def judged(upstream: str) -> AsyncIterator[str]:
    """A proxy before `upstream` that answers 500 wherever an answer breaks the specification."""
    modules = await installed()
    with tempfile.NamedTemporaryFile("w", suffix=".json") as spec:
        spec.write(_coherent((modules / SPEC).read_text()))
        spec.flush()
        async with _proxy(modules, spec.name, upstream) as url:
            yield url


def _coherent(text: str) -> str:
    """The specification without its one contradiction.

    It calls the URIs of pages absolute, while its examples have them relative, as Twilio's client needs them.
    """
    spec = json.loads(text)
    operation = spec["paths"]["/2010-04-01/Accounts/{AccountSid}/Messages.json"]["get"]
    page = operation["responses"]["200"]["content"]["application/json"]
    examples = list(page["examples"].values())
    for name, schema in page["schema"]["properties"].items():
        if schema.get("format") == "uri":
            assert all((example["value"].get(name) or "/").startswith("/") for example in examples), name
            schema["format"] = "uri-reference"
    return json.dumps(spec)


@asynccontextmanager
async def _proxy(modules: Path, spec: str, upstream: str) -> AsyncIterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    command = [
        modules / ".bin/prism",
        "proxy",
        "--errors",
        spec,
        upstream,
        "--host",
        "127.0.0.1",
        "--port",
        port,
    ]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            while b"listening" not in (line := await process.stdout.readline()):
                assert line, "the proxy ended before it listened"
        drain = asyncio.create_task(process.stdout.read())
        yield f"http://127.0.0.1:{port}"
        drain.cancel()
    finally:
        process.terminate()
        await process.wait()


async def test_every_answer_keeps_to_the_specification(rig: Rig, endpoint: Endpoint) -> None:
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


async def test_failures_and_scheduled_messages_keep_to_it_too(rig: Rig) -> None:
    async with judged(rig.url) as proxy:
        client = Rig(proxy, rig.session, rig.clients).client()
        later = {"schedule_type": "fixed", "send_at": datetime.now(UTC) + timedelta(hours=1)}
        scheduled = await client.messages.create_async(to=TO, messaging_service_sid=SERVICE, body="Later", **later)
        assert (await client.messages(scheduled.sid).update_async(status="canceled")).status == "canceled"
        await rig.set_faults(undelivered=1)
        lost = await client.messages.create_async(to=TO, from_=FROM, body="Hello")
        await rig.quiet()
        assert (await client.messages(lost.sid).fetch_async()).error_code in (30003, 30005)


async def test_the_judge_would_see_a_violation(rig: Rig) -> None:
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
