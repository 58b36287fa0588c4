"""`switchboard dev` as a person runs it: every line that it prints to copy works in another terminal."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from aiohttp import ClientSession

from services.embedded.ports import pick
from tests.demo.test_demo import descendants, processes
from tests.processes import ACCOUNT, LOOPBACK, SECRETS, running, settings_file
from tests.terminal import terminal
from tests.waiting import eventually

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.timeout(400)


class Dev:
    """One that runs: what it has said so far."""

    def __init__(self, process: "subprocess.Popen[bytes]", said: Path) -> None:
        self.process = process
        self._said = said

    @property
    def said(self) -> str:
        return self._said.read_text()

    async def says(self, text: str) -> str:
        """Wait until it has said so."""

        def found() -> bool:
            assert self.process.poll() is None or text in self.said, self.said
            return text in self.said

        await eventually(found, deadline_s=150, what=f"{text!r} in {self.said[-2000:]}")
        return self.said

    async def hints(self, last: str = "curl -s") -> list[str]:
        """The lines to copy."""
        after = (await self.says(last)).partition("In another terminal:")[2]
        return [line.strip() for line in after.splitlines() if line.startswith("  ")]


@contextmanager
def started(folder: Path, *options: str, **environment: str) -> Iterator[Dev]:
    said = folder / "said.txt"
    with said.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "services.cli", "dev", *options],
            cwd=folder,
            env={**os.environ, **LOOPBACK, "PYTHONPATH": str(ROOT), **environment},
            stdout=output,
            stderr=output,
        )
    try:
        yield Dev(process, said)
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(60)
        finally:
            process.kill()


async def ended(dev: Dev, children: set[int]) -> None:
    """Ctrl-C: it says so, and nothing is left running."""
    dev.process.send_signal(signal.SIGINT)
    assert dev.process.wait(60) == 0, dev.said
    assert "Stopped; nothing is left running" in dev.said
    assert "Traceback" not in dev.said
    await eventually(lambda: not children & processes().keys(), what="all children are gone")


async def test_the_lines_it_prints_work(tmp_path: Path) -> None:
    run = terminal(tmp_path)
    with started(tmp_path) as dev:
        export, produce, results, trace, stop = await dev.hints()
        # As the poller does at its start, be it late today; where both begin at once, one of them gives way.
        await eventually(lambda: run(export, "switchboard compliance sync") or True, what="a sync that is alone")
        run(export, produce)
        await dev.says("hello-1: allowed; Twilio is called")
        await dev.says("(hello-1) is delivered")
        await dev.says("hello-1: sent SM")
        await eventually(lambda: "message delivered" in run(export, trace), deadline_s=30, what="the trace")
        assert '"step":"sent"' in run(export, results)
        run(export, stop)
        await dev.says("writes to +14155550100: “STOP”")
        run(export, produce.replace("hello-1", "hello-2"))
        await dev.says("hello-2: blocked (suppressed)")
        await ended(dev, descendants(dev.process.pid))


@pytest.mark.slow
async def test_what_changes_is_taken_up_and_what_is_on_the_log_stays(tmp_path: Path) -> None:
    run = terminal(tmp_path)
    with started(tmp_path) as dev:
        export, produce, results, _, stop = await dev.hints()
        children = descendants(dev.process.pid)
        # The quickstart's own program, as it stands.
        [hello] = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "quickstart.md").read_text(), re.DOTALL)
        (tmp_path / "hello.py").write_text(hello)
        run(export, f"python {tmp_path / 'hello.py'}")
        await dev.says("order-1: sent SM")
        assert "The settings can be used." in run(export, "switchboard config check")

        settings = tmp_path / "switchboard.yaml"
        good = settings.read_text()
        assert "runs already with" in run(export, "switchboard dev || true")
        run(export, produce.replace("hello-1", "hello-0").replace("acme", "acne"))
        await dev.says("of tenant acne waits: no such tenant is in the settings")
        settings.write_text(good.replace("partitions: 4", "partitions: 8"))
        await dev.says("nothing is changed: kafka.partitions never changes once the topics are there; put 4 back")
        settings.write_text(good.replace("stop_words: []", "stop_words: [5]"))
        await dev.says("cannot be used, so nothing is changed: tenants.acme.consent.stop_words.0")
        settings.write_text(good.replace("stop_words: []", "stop_words: [BASTA]"))
        await dev.says("of the tenants alone: the services take it up")

        def is_stopped() -> bool:
            run(export, stop.replace("STOP", "basta").replace("0123", "0124"))
            run(export, produce.replace("hello-1", f"hello-{time.monotonic_ns()}").replace("0123", "0124"))
            return "blocked (suppressed)" in dev.said

        await eventually(is_stopped, deadline_s=60, what="the word is taken for a STOP")
        # What the simulated Twilio was told stays, as long as its accounts are the same.
        assert "simulator started anew" not in dev.said
        settings.write_text(settings.read_text().replace('["+14155550100", ', '["+14155550100", "+14155550102", '))
        await dev.says("simulator started anew")
        await dev.says("the simulated Twilio has forgotten its templates")
        settings.write_text(re.sub(r"(\nsender:.*\n)", r"\1  concurrency: 9\n", settings.read_text()))
        await dev.says("sender, poller started anew")

        children |= descendants(dev.process.pid)
        await ended(dev, children)
    # What was on the log is there the next time.
    with started(tmp_path) as dev:
        assert "written just now" not in await dev.says("In another terminal")
        assert "order-1" in run(export, results)
    # A tenant keeps its account: whoever puts a real one into these settings is told so, and does not wait in vain.
    settings.write_text(settings.read_text().replace("AC" + "0" * 31 + "1", ACCOUNT))
    with started(tmp_path) as dev:
        await dev.says(
            "acme: account_sid is not AC00000000000000000000000000000001, which this log knows the tenant by"
        )


@pytest.mark.parametrize("moment", ["… topics", pytest.param("settings:", marks=pytest.mark.slow)])
async def test_ctrl_c_at_the_start_ends_it_quietly(tmp_path: Path, moment: str) -> None:
    with started(tmp_path) as dev:
        await dev.says(moment)
        await ended(dev, descendants(dev.process.pid))


def sendable(settings: Path) -> str:
    """The settings with an account, whose numbers have no campaign and are not held to it."""
    written = settings.read_text().replace("AC" + "0" * 31 + "1", ACCOUNT)
    return written.replace("registration: enforced", "registration: told")


@asynccontextmanager
async def tunnel(port: int) -> AsyncIterator[str]:
    """A URL that leads to what listens on a port of this machine."""

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while read := await reader.read(65_536):
                writer.write(read)
                await writer.drain()
        finally:
            writer.close()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(carry(reader, back), carry(there, writer), return_exceptions=True)

    server = await asyncio.start_server(connect, "127.0.0.1", outside := pick())
    async with server:
        yield f"http://127.0.0.1:{outside}"


@pytest.mark.slow
async def test_a_twilio_that_calls_us_through_a_tunnel(tmp_path: Path) -> None:
    run, port, inside = terminal(tmp_path), pick(), pick()
    (twilio := tmp_path / "twilio").mkdir()
    api = f"http://127.0.0.1:{port}"
    async with tunnel(inside) as url:
        file = settings_file(twilio, "127.0.0.1:9", simulator={"port": port, "webhook_url": url})
        options, environment = ("--twilio", "real", "--public-url", url), {"SWITCHBOARD_TWILIO__API": api}
        with running("simulator", file, twilio, port):
            with started(tmp_path, *options, **environment) as dev:
                assert dev.process.wait(60) == 2
            settings = tmp_path / "switchboard.yaml"
            written = sendable(settings)
            settings.write_text(re.sub(r"(ingress:.*\n  port: )[0-9]+", rf"\g<1>{inside}", written))
            (tmp_path / ".switchboard" / "secrets" / "auth-token").write_text(SECRETS["TEST_AUTH_TOKEN"])
            with started(tmp_path, *options, **environment) as dev:
                export, produce, *_ = await dev.hints("switchboard trace")
                await asyncio.to_thread(run, export, produce)
                await dev.says("(hello-1) is delivered")
                heard = {"account_sid": ACCOUNT, "from": "+14155550123", "to": "+14155550100", "body": "STOP"}
                async with ClientSession() as session, session.post(f"{api}/simulator/inbound", json=heard) as answer:
                    assert (await answer.json())["status"] == 200
                await dev.says("writes to +14155550100: “STOP”")
                await asyncio.to_thread(run, export, produce.replace("hello-1", "hello-2"))
                await dev.says("hello-2: blocked (suppressed)")


@pytest.mark.slow
async def test_a_twilio_that_cannot_call_us_is_polled(tmp_path: Path) -> None:
    """Held against a simulator that refuses callbacks which the internet does not reach, as Twilio does (21609)."""
    run, port = terminal(tmp_path), pick()
    twilio = tmp_path / "twilio"
    twilio.mkdir()
    simulator = {"port": port, "public_callbacks": True, "webhook_url": "http://127.0.0.1:9"}
    file = settings_file(twilio, "127.0.0.1:9", simulator=simulator)
    api = f"http://127.0.0.1:{port}"
    with running("simulator", file, twilio, port):
        options, environment = ("--twilio", "real"), {"SWITCHBOARD_TWILIO__API": api}
        with started(tmp_path, *options, **environment) as dev:
            assert dev.process.wait(60) == 2
            assert "account_sid is still the placeholder; write your own AC…" in dev.said
        settings = tmp_path / "switchboard.yaml"
        settings.write_text(sendable(settings))
        (tmp_path / ".switchboard" / "secrets" / "auth-token").write_text(SECRETS["TEST_AUTH_TOKEN"])
        with started(tmp_path, *options, **environment) as dev:
            export, produce, *_ = await dev.hints("switchboard trace")
            run(export, produce)
            await dev.says("hello-1: sent SM")
            await dev.says(" is delivered")
            heard = {"account_sid": ACCOUNT, "from": "+14155550123", "to": "+14155550100", "body": "STOP"}
            async with ClientSession() as session, session.post(f"{api}/simulator/inbound", json=heard) as answer:
                assert answer.status == 200
            await dev.says("writes to +14155550100: “STOP”")
            run(export, produce.replace("hello-1", "hello-2"))
            await dev.says("hello-2: blocked (suppressed)")
