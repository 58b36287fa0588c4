"""`switchboard check FOLDER`, as a person runs it: without settings, by its exit code and its table."""

import asyncio
import re
from pathlib import Path

import pytest
from aiokafka.errors import KafkaTimeoutError
from typer.testing import CliRunner, Result

from services.checker.check import PROMISES
from services.checker.history import History, write_history
from services.cli.main import app
from services.contract.messages import STATUS
from services.operations.log import LogReader
from tests.checker.good import Spoilt, good, unpack
from tests.checker.planted import FAULTS
from tests.environment import SharedBroker
from tests.kafka_records import create_topics


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SWITCHBOARD_CONFIG", str(tmp_path / "none.yaml"))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["check", *arguments])


def test_a_good_log_is_0_and_each_promise_is_in_the_table(tmp_path: Path) -> None:
    unpack(tmp_path)
    result = run(str(tmp_path))
    assert result.exit_code == 0, result.output
    assert f"Promises held: {len(PROMISES)}, broken: 0." in result.output
    assert "✗" not in result.output
    assert "Not checked" not in result.output


def test_a_broken_promise_is_1_and_its_first_faults_are_named(tmp_path: Path) -> None:
    log = Spoilt()
    for step in log.all("twilio.delivery.v1")[:8]:
        log.add(step)
    FAULTS["two creates"].plant(log)
    write_history(tmp_path, log.history)
    result = run(str(tmp_path))
    assert result.exit_code == 1
    assert "✗" in result.output
    assert "doubled: each derived event stands once" in result.output
    assert "and 3 more" in result.output
    assert re.search(r"command 'inside-1' of acme was created 2 times at Twilio: SM", result.output)


def test_what_takes_a_witness_is_told_not_to_be_checked(tmp_path: Path) -> None:
    write_history(tmp_path, History(good().entries))
    result = run(str(tmp_path))
    assert result.exit_code == 0
    assert result.output.count("cannot be seen from the log alone") == sum(one.by_witness for one in PROMISES)
    assert "had not come to rest" in result.output


def test_what_cannot_be_read_is_2_and_a_sentence(tmp_path: Path) -> None:
    result = run(str(tmp_path))
    assert result.exit_code == 2
    assert "log.jsonl" in result.output
    assert "Traceback" not in result.output


def test_without_settings_the_live_log_is_2(monkeypatch: pytest.MonkeyPatch) -> None:
    result = run()
    assert result.exit_code == 2
    assert "none.yaml" in result.output


def test_no_kafka_is_2(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = tmp_path / "one.yaml"
    settings.write_text("kafka: {bootstrap: '127.0.0.1:1'}\n", encoding="utf-8")
    monkeypatch.setenv("SWITCHBOARD_CONFIG", str(settings))
    result = run()
    assert result.exit_code == 2
    assert "no Kafka answers at 127.0.0.1:1" in result.output


def test_kafka_that_fails_while_it_is_read_is_2(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, shared: SharedBroker
) -> None:
    async def fails(*_: object) -> None:
        raise KafkaTimeoutError

    bootstrap = shared.emptied()
    asyncio.run(create_topics(bootstrap, [STATUS.name]))
    settings = tmp_path / "one.yaml"
    settings.write_text(f"kafka: {{bootstrap: '{bootstrap}', partitions: 1}}\n", encoding="utf-8")
    monkeypatch.setenv("SWITCHBOARD_CONFIG", str(settings))
    # What it raises then is hard to time: the client waits where it can.
    monkeypatch.setattr(LogReader, "read", fails)
    result = run()
    assert result.exit_code == 2
    assert f"Kafka at {bootstrap} cannot be read" in result.output.replace("\n", " ")


def test_a_record_is_kept(tmp_path: Path) -> None:
    unpack(tmp_path)
    assert run(str(tmp_path), "--record", str(tmp_path / "again")).exit_code == 0
    assert run(str(tmp_path / "again")).exit_code == 0
