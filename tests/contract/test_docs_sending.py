"""docs/sending.md is held against the command: its fields, their types, its examples, its settings."""

import json
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any, get_args, get_origin

import msgspec
import pytest
import yaml
from twilio.rest.api.v2010.account.message import MessageList

from services.contract import signatures
from services.contract.commands import read_message_command
from services.contract.messages import MESSAGES
from services.contract.parameters import PARAMETERS
from services.domain.identity import Place
from services.domain.messages.commands import CommandAccepted, SendMessage
from services.domain.messages.intake import accept
from services.runtime.tenants.settings import TenantSettings
from tests.domain.test_intake import AT, RULES

PAGE = (Path(__file__).parents[2] / "docs" / "sending.md").read_text("utf-8")
ROWS = re.findall(r"^\| `(\w+)` \| ([^|]+) \| ([^|]*) \| `(.+)` \|$", PAGE, re.MULTILINE)
WORDS: dict[Any, str] = {str: "text", bool: "true or false", int: "whole number", float: "number"}


def in_words(hint: Any) -> str:
    wanted = [part for part in get_args(hint) if part is not type(None)] if type(None) in get_args(hint) else [hint]
    match get_origin(wanted[0]) or wanted[0]:
        case kind if kind is list:
            return "list of texts"
        case kind if kind is dict:
            return "object of texts"
        case kind if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            return "object"
        case kind:
            return WORDS.get(kind, "text")


def test_the_page_lists_every_field_with_its_type() -> None:
    fields = {field.encode_name: in_words(field.type) for field in msgspec.structs.fields(SendMessage)}
    assert {name: type_ for name, type_, _, _ in ROWS} == fields


def test_the_page_says_what_is_required() -> None:
    required = {field.encode_name for field in msgspec.structs.fields(SendMessage) if field.required}
    assert {name for name, _, limit, _ in ROWS if "required" in limit} == required


@pytest.mark.parametrize("name", [row[0] for row in ROWS])
def test_each_example_is_one_that_intake_takes(name: str) -> None:
    examples = {row[0]: json.loads(row[3]) for row in ROWS}
    least = {key: examples[key] for key in ("command_id", "tenant", "to")} | {"to": "+14155550123", "body": "Hello"}
    if name in ("to", "fallback_from"):
        least |= {"messaging_service_sid": examples["messaging_service_sid"]}
    elif name != "messaging_service_sid":
        least |= {"from": examples["from"]}
    if name == "content_variables":
        least |= {"content_sid": examples["content_sid"]}
    if name in ("content_sid", "content_variables", "template"):
        # A text may stand beside them by WhatsApp alone.
        least.pop("body")
    if name == "shorten_urls":
        least |= {"messaging_service_sid": examples["messaging_service_sid"]}
    if name in ("media_fallback", "media_link"):
        least |= {"media_urls": examples["media_urls"], "media_fallback": examples["media_fallback"]}
    if name == "persistent_action":
        least |= {"channel": "whatsapp"}
    assert_taken(least | {name: examples[name]})


@pytest.mark.parametrize("block", re.findall(r"^```json\n(.+?)^```$", PAGE, re.MULTILINE | re.DOTALL))
def test_each_command_on_the_page_is_taken(block: str) -> None:
    assert_taken(json.loads(block))


@pytest.mark.parametrize("block", re.findall(r"^```yaml\n(.+?)^```$", PAGE, re.MULTILINE | re.DOTALL))
def test_the_settings_on_the_page_can_be_used(block: str) -> None:
    least = {"account_sid": "AC" + "a" * 32, "auth_tokens": [{"env": "PATH"}], "contact_secret": {"env": "PATH"}}
    for tenant in yaml.safe_load(block)["tenants"].values():
        TenantSettings(**least, **tenant)


def assert_taken(found: dict[str, Any]) -> None:
    command = read_message_command(found)
    assert isinstance(command, SendMessage), command
    accepted = accept(command, RULES, AT, Place(0, 0))
    assert isinstance(accepted, CommandAccepted), accepted


def test_every_parameter_of_twilios_client_is_known() -> None:
    """The package may be older than the specification, so that is asked too where Node is there."""
    parameters = set(MessageList.create.__annotations__) - {"return"}
    assert {name.replace("_", "") for name in parameters} <= set(PARAMETERS)


def believed(topic: str, value: bytes, header: tuple[str, bytes], secret: str) -> bool:
    found = signatures.read([header])
    assert found is not None, header
    assert abs(found.at - time.time()) < 3600
    assert (found.tenant, found.key_id) == ("acme", "2026-11")
    return signatures.fits(found, topic, value, secret.encode())


# What JSON's escapes and UTF-8 make of it is the producer's affair: its bytes are signed.
VALUE, KEY_SECRET = '{"body": "Grüße 👋"}'.encode(), "a secret that is long enough to be one"


def test_the_lines_of_python_sign_what_senders_believe() -> None:
    (block,) = re.findall(r"^```python\n(.+?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(block, names)
    header = names["signature"](MESSAGES.name, VALUE, "acme/2026-11", KEY_SECRET)
    assert believed(MESSAGES.name, VALUE, header, KEY_SECRET)
    assert not believed(MESSAGES.name, VALUE + b" ", header, KEY_SECRET)


@pytest.mark.skipif(shutil.which("node") is None, reason="no Node on this machine")
def test_the_lines_of_node_do_too() -> None:
    (block,) = re.findall(r"^```js\n(.+?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    value = f"Buffer.from('{VALUE.hex()}', 'hex')"
    given = f"{json.dumps(MESSAGES.name)}, {value}, 'acme/2026-11', {json.dumps(KEY_SECRET)}"
    ran = subprocess.run(
        ["node", "-e", f"{block}\nconsole.log(JSON.stringify(signature({given})))"],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    ((name, said),) = json.loads(ran.stdout).items()
    assert believed(MESSAGES.name, VALUE, (name, said.encode()), KEY_SECRET)
