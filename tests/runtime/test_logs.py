import json
import logging
import time
from collections.abc import Iterator

import pytest

from services.runtime import logs


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], level = before
    root.setLevel(level)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, str]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_each_record_is_a_scrubbed_json_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("ingress")
    logging.getLogger("a.b").warning("from %s\nto %s", "+14155550123", "jo@example.org")
    (line,) = lines(capsys)
    assert line.pop("at").endswith("+00:00")
    assert line == {
        "level": "WARNING",
        "service": "ingress",
        "logger": "a.b",
        "message": "from +1415•••••23\nto j•••••@example.org",
    }


def test_exceptions_are_scrubbed_too(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("ingress")
    try:
        raise ValueError("no such number: +14155550123")
    except ValueError:
        logging.getLogger("a").exception("failed")
    (line,) = lines(capsys)
    assert "ValueError: no such number: +1415•••••23" in line["exception"]
    assert "4155550123" not in line["exception"]


def test_levels(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("ingress", "DEBUG")
    logging.getLogger("a").debug("heard")
    for name in ("aiokafka.conn", "faust.app", "mode.services", "aiohttp.access"):
        logging.getLogger(name).info("too much")
    assert [line["message"] for line in lines(capsys)] == ["heard"]


def test_a_long_message_is_cut_in_the_middle_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("ingress")
    logging.getLogger("a").warning("begin %s end", "x" * 10_000)
    (line,) = lines(capsys)
    assert line["message"].startswith("begin xxx")
    assert line["message"].endswith("xxx end")
    assert "7962 characters cut" in line["message"]
    assert len(line["message"]) < 2200


def test_an_exception_may_be_longer_but_not_endless(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("ingress")
    try:
        raise ValueError("x" * 100_000)
    except ValueError:
        logging.getLogger("a").exception("failed")
    (line,) = lines(capsys)
    assert line["exception"].startswith("Traceback")
    assert "characters cut" in line["exception"]
    assert 10_000 < len(line["exception"]) < 20_000


@pytest.mark.parametrize("shift", range(14))
def test_an_address_across_the_cut_is_masked(capsys: pytest.CaptureFixture[str], shift: int) -> None:
    logs.configure("ingress")
    logging.getLogger("a").warning("%s", "-" * shift + " +14155550123" * 1000)
    (line,) = lines(capsys)
    assert "415555" not in line["message"]
    assert "550123" not in line["message"]


def test_what_a_library_says_again_and_again_is_told_now_and_then_with_how_often(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    logs.configure("ingress")
    moment = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: moment)
    for _ in range(100):
        logging.getLogger("aiokafka.conn").error("Unable to connect to %s", "a")
    moment = 11.0
    logging.getLogger("aiokafka.conn").error("Unable to connect to %s", "b")
    logging.getLogger("aiokafka.conn").error("Something else")
    for _ in range(3):
        logging.getLogger("services.a").error("ours is never kept back")
    assert [line["message"] for line in lines(capsys)] == [
        "Unable to connect to a",
        "Unable to connect to b (and 99 times more since)",
        "Something else",
        *["ours is never kept back"] * 3,
    ]


def test_another_exception_is_no_repetition(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("ingress")
    for error in (ValueError("a"), ValueError("b"), KeyError("c")):
        logging.getLogger("faust").error("failed", exc_info=error)
    assert [line["exception"] for line in lines(capsys)] == ["ValueError: a", "KeyError: 'c'"]


def test_what_faust_says_of_our_classes_is_left_out_but_for_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("processor")
    inherited = logging.getLogger("services.runtime.folding.recovery")
    inherited.info("[^--PositionRecovery]: Highwater for active changelog partitions:\n+----+")
    inherited.warning("a store is read anew")
    assert [line["message"] for line in lines(capsys)] == ["a store is read anew"]
