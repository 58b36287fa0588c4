"""The commands as they are wired: exit codes, what is shown, and nothing applied without a plan's name or a yes."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from services.cli.main import app
from tests.processes import PARTITIONS
from tests.simulator.flows import survey

from .house import ACME, CODE, FALLBACK, GLOBEXS, INBOUND, ONE, PUBLIC, TOKEN, TWO, House

Run = Any


@pytest.fixture
def run(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A command, in a thread of its own: the simulator answers from this one."""
    kafka = house.settings.kafka
    file = tmp_path / "switchboard.yaml"
    file.write_text(
        yaml.safe_dump(
            {
                "public_url": PUBLIC,
                "kafka": {
                    "bootstrap": kafka.bootstrap, "partitions": PARTITIONS, "replication": 1, "min_insync_replicas": 1,
                },
                "twilio": {"api": house.url},
                "ingress": {"spool": {"directory": str(tmp_path), "max_bytes": 1 << 16}},
                "tenants": {
                    "acme": {
                        "account_sid": ACME,
                        "auth_tokens": [{"env": "TEST_AUTH_TOKEN"}],
                        "contact_secret": {"env": "TEST_AUTH_TOKEN"},
                    }
                },
            }
        )
    )  # fmt: skip
    monkeypatch.setenv("TEST_AUTH_TOKEN", TOKEN)
    monkeypatch.setenv("SWITCHBOARD_CONFIG", str(file))

    async def invoke(*words: str, code: int) -> Result:
        result = await asyncio.to_thread(CliRunner().invoke, app, [str(word) for word in words])
        assert result.exit_code == code, result.output
        assert TOKEN not in result.output
        return result

    return invoke


async def test_webhooks_from_plan_to_apply(house: House, run: Run) -> None:
    await house.hold(senders={ONE: {}, CODE: {"sms_url": "https://old.example.com/sms"}})
    planned = await run("webhooks", "plan", code=1)
    assert ONE not in planned.output
    assert "left: acme short code 24680 → https://old.example.com/sms" in planned.output
    digest = planned.output.split("plan ")[1].split()[0]
    refused = await run("webhooks", "apply", code=2)
    assert "nobody to ask" in refused.output
    await run("webhooks", "apply", "--plan", "0123456789ab", code=2)
    assert (await house.plan("acme")).digest == digest, "nothing was changed so far"
    applied = await run("webhooks", "apply", "--plan", digest, "--note", "a test", "--show-numbers", code=0)
    assert f"changed: acme number {ONE}" in applied.output
    await run("webhooks", "plan", code=0)
    await run("webhooks", "apply", "--yes", "--take", "https://old.example.com", code=0)
    await run("webhooks", "plan", "--tenant", "nobody", code=2)


async def test_services_from_plan_to_apply(house: House, run: Run, tmp_path: Path) -> None:
    await house.hold(senders={ONE: {}})
    file = tmp_path / "services.yaml"
    file.write_text(yaml.safe_dump({"acme": [{"name": "acme-us", "senders": [ONE]}]}))
    assert "new service acme-us" in (await run("services", "plan", file, code=1)).output
    await run("services", "apply", file, "--yes", code=0)
    await run("services", "plan", file, code=0)
    file.write_text(yaml.safe_dump({"acme": [{"name": "acme-us", "senders": ["+14155550999"]}]}))
    assert "nothing may be changed" in (await run("services", "plan", file, code=2)).output


async def test_the_doctor_ends_by_what_it_found(house: House, run: Run) -> None:
    await house.hold(senders={ONE: {}})
    found = await run("doctor", code=1)
    assert "→ switchboard webhooks plan; then apply" in found.output
    assert ONE not in found.output
    document = json.loads((await run("doctor", "--json", "--service", "sender", code=1)).stdout)
    assert document["verdict"] == "fault"
    assert {"check", "level", "about", "says", "remedy"} == set(document["findings"][0])
    # What is amiss is mended by what the remedies say.
    await run("webhooks", "apply", "--yes", code=0)
    await run("senders", "apply", code=0)
    levels = {one["level"] for one in json.loads((await run("doctor", "--json", code=0)).stdout)["findings"]}
    assert levels <= {"fine", "note"}
    await house.hold(standing={"forbidden": ["monitor"]})
    await run("doctor", code=2)
    for words in (("--service", "nobody"), ("--tenant", "nobody")):
        refused = await run("doctor", *words, code=2)
        assert "nobody" in refused.output
        assert "Invalid value" not in refused.output


def add_globex(file: Path) -> None:
    """A second tenant, of the same account."""
    settings = yaml.safe_load(file.read_text())
    settings["tenants"]["globex"] = dict(settings["tenants"]["acme"])
    file.write_text(yaml.safe_dump(settings))


async def test_tenants_of_one_account_are_planned_together(house: House, run: Run) -> None:
    add_globex(Path(os.environ["SWITCHBOARD_CONFIG"]))
    of_globex = {"sms_url": GLOBEXS, "sms_fallback_url": GLOBEXS.replace("/messages", "/fallback")}
    await house.hold(senders={ONE: {"sms_url": INBOUND, "sms_fallback_url": FALLBACK}, TWO: of_globex})
    for words in ((), ("--tenant", "acme"), ("--tenant", "globex")):
        await run("webhooks", "plan", *words, code=0)


async def test_a_flow_from_export_to_rollback(house: House, run: Run, tmp_path: Path) -> None:
    [account] = house.accounts("acme")
    made = await asyncio.to_thread(
        account.client.studio.v2.flows.create,
        friendly_name="Survey",
        status="published",
        definition=json.dumps(survey()),
    )
    await run("studio", "export", "--to", tmp_path / "flows", code=0)
    file = tmp_path / "flows" / f"{made.sid}.json"
    assert json.loads(file.read_text()) == survey()
    await run("studio", "diff", made.sid, file, code=0)
    await run("studio", "validate", file, code=0)
    await run("studio", "publish", made.sid, file, code=0)
    spoiled = survey()
    spoiled["states"][0]["transitions"][0]["next"] = "nowhere"
    file.write_text(json.dumps(spoiled))
    assert "nowhere" in (await run("studio", "validate", file, code=1)).output
    assert "nothing was changed" in (await run("studio", "publish", made.sid, file, "--yes", code=2)).output
    file.write_text(json.dumps(survey() | {"description": "Another"}))
    assert "Another" in (await run("studio", "diff", made.sid, file, code=1)).output
    assert "nobody to ask" in (await run("studio", "publish", made.sid, file, code=2)).output
    await run("studio", "publish", made.sid, file, "--draft", "--message", "Try it", "--yes", code=0)
    await run("studio", "diff", made.sid, file, code=0)
    await run("studio", "publish", made.sid, file, "--yes", code=0)
    await run("studio", "rollback", made.sid, "1", "--yes", code=0)
    latest = await asyncio.to_thread(account.client.studio.v2.flows(made.sid).fetch)
    assert (latest.revision, latest.status, latest.definition) == (4, "published", survey())
    assert latest.commit_message == "back to revision 1"
    await run("studio", "export", "FW" + "0" * 32, "--to", tmp_path, code=2)
