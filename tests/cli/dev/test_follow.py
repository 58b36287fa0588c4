"""What the services warn of, as the live log of `switchboard dev` tells it."""

import asyncio
import json
from pathlib import Path

from services.cli.dev.follow import Once, follow_files
from tests.waiting import eventually


def entry(level: str, message: str, logger: str = "services.x") -> str:
    return json.dumps({"level": level, "logger": logger, "message": message}) + "\n"


def test_what_several_say_at_once_is_told_once_and_again_when_it_is_said_later() -> None:
    moment = 0.0
    once = Once(lambda: moment)
    assert once.is_new("a")
    assert not once.is_new("a")
    assert once.is_new("b")
    moment = 15.0
    assert once.is_new("a")


async def test_errors_of_the_start_are_told_and_warnings_from_then_on(tmp_path: Path) -> None:
    """A tenant that is not the one the log knows is an error of the start; that Kafka is not up yet, a warning."""
    log, told = tmp_path / "sender.log", list[tuple[str, str]]()
    log.write_text(entry("WARNING", "Kafka is away") + entry("ERROR", "acme: account_sid is not") + entry("INFO", "up"))
    following = asyncio.create_task(follow_files({"sender": log}, lambda *one: told.append(one)))
    try:
        await eventually(lambda: told == [("sender", "acme: account_sid is not")], what="the error")
        with log.open("a") as more:
            more.write(entry("WARNING", "slow") + entry("WARNING", "of a library", "aiokafka") + '{"level": "ERR')
        await eventually(lambda: told[1:] == [("sender", "slow")], what="the warning")
    finally:
        following.cancel()
