"""docs/receiving.md is held against the product: its rules are settings, and its service answers by a command."""

import json
import re
import textwrap
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import yaml
from pydantic import SecretStr

from services.contract.codec import encode
from services.contract.commands import read_message_command
from services.contract.messages import MESSAGES
from services.domain.identity import Place
from services.domain.messages.commands import CommandAccepted, SendMessage
from services.domain.messages.intake import accept
from services.operations.hearing import tried
from services.runtime.tenants.sections.keywords import DeskSettings
from services.runtime.tenants.settings import TenantSettings
from tests.domain.test_intake import AT, RULES
from tests.domain.test_tickets import HEARD

PAGE = (Path(__file__).parents[2] / "docs" / "receiving.md").read_text("utf-8")
YAML = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


def tenant() -> TenantSettings:
    rules = next(yaml.safe_load(textwrap.dedent(one)) for one in YAML if "twilio_answers" in one)
    commands = next(yaml.safe_load(textwrap.dedent(one)) for one in YAML if "after_s" in one)
    desk = DeskSettings(url=rules["desks"]["support"]["url"], secret=SecretStr("s" * 40))
    return TenantSettings(
        account_sid="AC" + "1" * 32,
        auth_tokens=[SecretStr("t")],
        contact_secret=SecretStr("s"),
        # One for a message: the second ACK is another way to write it.
        keywords=[*(one for one in rules["keywords"] if one["name"] != "ack"), *commands],
        desks={"support": desk},
        routing={"default_messaging_service_sid": "MG" + "0" * 31 + "1"},
    )


def test_the_commands_on_the_page_are_taken_by_intake() -> None:
    known = tenant()
    for text, count in (("ACK 17", 2), ("REMIND 17", 1), ("MENU", 1), ("SURVEY", 1)):
        found = tried("acme", known, text, "+14155550123", "+14155550100")
        assert found.made is not None, text
        assert (len(found.made.commands), found.made.why_not, found.faults) == (count, None, ()), text


async def test_the_service_on_the_page_answers_by_a_command_once_for_each_record() -> None:
    [code] = re.findall(r"```python\n(async for.*?)```", PAGE, re.DOTALL)
    heard = [HEARD, HEARD, HEARD, HEARD]
    produced: list[bytes] = []

    async def records(*_: Any, **__: Any) -> AsyncIterator[SimpleNamespace]:
        for rule, one in zip(("status", "other", "status", "status"), heard, strict=True):
            value = json.loads(encode(one)) | {"rule": rule}
            yield SimpleNamespace(value=json.dumps(value).encode())

    class Producer:
        async def send_and_wait(self, topic: str, value: bytes) -> None:
            assert topic == MESSAGES.name
            produced.append(value)

    async def state_of(name: str) -> str:
        return f"on its way ({name})"

    names = {
        "AIOKafkaConsumer": records, "producer": Producer(), "state_of": state_of, "json": json, "KAFKA": "",
        "datetime": datetime, "timedelta": timedelta,
    }  # fmt: skip
    exec(compile(f"async def main():\n{textwrap.indent(code, '    ')}", "receiving.md", "exec"), names)
    await names["main"]()  # type: ignore[operator]
    # The same record twice gives the same command, which is sent once.
    assert len(produced) == 3
    assert len({*produced}) == 1
    command = read_message_command(json.loads(produced[0]))
    assert isinstance(command, SendMessage)
    accepted = accept(command, RULES, AT, Place(0, 1))
    assert isinstance(accepted, CommandAccepted)
    assert (accepted.to, accepted.from_, accepted.body) == (HEARD.from_, HEARD.to, "17 is on its way (17).")
