"""`switchboard health`: what the image's health check and people ask."""

import asyncio
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.cli.main import app
from services.embedded.ports import pick
from tests.ingress.rig import running, settings


@pytest.fixture(autouse=True)
def _nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("INGRESS__OPERATIONS_PORT", "PROCESSOR__OPERATIONS_PORT", "SENDER__PORT"):
        monkeypatch.setenv(f"SWITCHBOARD_{name}", str(pick()))
    # The proxy that leads to Twilio.
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("SWITCHBOARD_CONFIG", raising=False)


async def health(*words: str) -> tuple[int, str]:
    said = await asyncio.to_thread(CliRunner().invoke, app, ["health", *words])
    return said.exit_code, said.output


async def test_nobody_answers() -> None:
    code, said = await health()
    assert code == 1
    assert "nobody answers at http://127.0.0.1:" in said
    assert (await health("procesor"))[0] == 2


async def test_it_says_what_readyz_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = settings(tmp_path)
    monkeypatch.setenv("SWITCHBOARD_INGRESS__OPERATIONS_PORT", str(chosen.ingress.operations_port))
    async with running(chosen):
        code, said = await health("ingress")
        assert (code, '"kafka": ' in said) == (0, True)
        assert (await health())[0] == 0
        assert (await health("sender"))[0] == 1


async def test_who_is_not_ready_is_not_healthy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = settings(tmp_path, spool_bytes=1 << 16)
    monkeypatch.setenv("SWITCHBOARD_INGRESS__OPERATIONS_PORT", str(chosen.ingress.operations_port))
    async with running(chosen) as caller:
        for number in range(1000):
            said = [("MessageSid", "SM1"), ("MessageStatus", "sent"), ("More", f"{number:01000}")]
            if await caller.post("/twilio/acme/status", said) == 503:
                break
        code, said = await health("ingress")
        assert (code, "spool is full" in said) == (1, True), said
