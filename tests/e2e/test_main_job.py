"""The main job through every service as a process, over TLS and SASL: a command out, its outcome back, a reply in."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
import yaml
from aiokafka.helpers import create_ssl_context

from services.contract.messages import INBOUND, MESSAGES
from services.contract.outbound import RESULTS
from services.embedded.broker import EmbeddedKafka
from tests.cli.test_private import others_may
from tests.kafka_records import produce, read_until
from tests.processes import ACCOUNT, SECRETS, SHOWN, Service, running, settings_file, wired
from tests.switchboard import switchboard
from tests.waiting import eventually

# By Twilio's magic numbers: not valid, no mobile. Its sentence names the number.
REFUSED_BY_TWILIO = ("+15005550001", "+15005550009")
REPLY = "Danke ✓"
# What proves who somebody is: as it is sent, in a text or for a template, and as it is written back.
CODES = ("90417362", "K7Q-93X")
COMMAND = {"command_id": "order-1", "tenant": "acme", "to": "+14155550123", "from": "+14155550100", "body": "Hi 👋"}


@pytest.fixture(scope="module")
def secured() -> Iterator[EmbeddedKafka]:
    with EmbeddedKafka.start(tls=True) as own:
        yield own


async def _json(url: str, body: dict[str, Any] | None = None) -> Any:
    async with aiohttp.ClientSession(headers=SHOWN) as session:
        asked = session.get(url) if body is None else session.post(url, json=body)
        async with asked as answer:
            return await answer.json() if answer.status == 200 else None


async def _text(url: str) -> str:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return await answer.text()


def in_clear(told: str, more: Sequence[str]) -> list[str]:
    """What stands there of numbers, theirs and ours, of what people wrote, of codes, and of secrets."""
    # Without what masking leaves: the first digits.
    numbers = [COMMAND["to"][4:], COMMAND["from"][4:], *(one[4:] for one in REFUSED_BY_TWILIO)]
    said = [COMMAND["body"], REPLY, *CODES, *numbers, *(number[3:] for number in numbers)]
    # Seconds with their fractions have any five digits now and then.
    whole = re.sub(r"\b\d+\.\d+(e[+-]\d+)?\b", "", told)
    return [one for one in (*said, *SECRETS.values(), *more) if one in whole]


async def what_errors_would_tell(services: Mapping[str, Service], bootstrap: str, **client: Any) -> None:
    """Records and requests that hold a number and a code, most of which somebody has to complain of."""
    code, other = CODES
    good = COMMAND | {"body": f"Your code is {code}"}
    templated = {name: COMMAND[name] for name in ("tenant", "to", "from")} | {"content_sid": "HX" + "1" * 32}
    commands = [
        good | {"command_id": "code-sent"},
        templated | {"command_id": "code-templated", "content_variables": {"1": other}},
        *(good | {"command_id": f"code-{number}", "to": number} for number in REFUSED_BY_TWILIO),
        good | {"command_id": "code-to-nobody", "to": f"{COMMAND['to']} {code}"},
        good | {"command_id": "code-strange", f"{COMMAND['to']}": code},
    ]
    unreadable = b'{"to": "%b", "body": "%b' % (COMMAND["to"].encode(), code.encode())
    records = [(None, orjson.dumps(one)) for one in commands]
    await produce(bootstrap, MESSAGES.name, [*records, (COMMAND["to"].encode(), unreadable)], **client)
    await produce(bootstrap, INBOUND.name, [(b"acme|" + COMMAND["to"].encode(), unreadable)], **client)
    form = {"From": COMMAND["to"], "To": COMMAND["from"], "Body": code, "MessageSid": code, "AccountSid": other}
    async with aiohttp.ClientSession() as session:
        for path in ("messages", "status", f"messages?to={COMMAND['to']}&code={code}", f"{code}/{COMMAND['to']}"):
            url = f"{services['ingress'].url}/twilio/acme/{path}"
            async with session.post(url, data=form, headers={"X-Twilio-Signature": other}) as answer:
                assert answer.status in (403, 404)
    said = {"account_sid": ACCOUNT, "from": COMMAND["to"], "to": COMMAND["from"], "body": code}
    heard = await _json(f"{services['simulator'].url}/simulator/inbound", said)
    assert heard["status"] == 200

    def ended(records: list[Any]) -> bool:
        told = [orjson.loads(record.value) for record in records]
        return len({one["event_id"] for one in told if one["terminal"]}) > len(commands) + 1

    await read_until(bootstrap, RESULTS.name, ended, 60, **client)


@pytest.mark.timeout(300)
async def test_a_command_goes_out_and_a_reply_comes_in_over_tls_and_sasl(
    secured: EmbeddedKafka, tmp_path: Path
) -> None:
    settings = settings_file(
        tmp_path,
        secured.sasl_ssl_bootstrap,
        kafka={
            "security_protocol": "SASL_SSL",
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_username": secured.user,
            "sasl_password": {"env": "KAFKA_PASSWORD"},
            "ssl_cafile": str(secured.ca_file),
        },
    )
    loaded = yaml.safe_load(settings.read_text())
    ports = wired(loaded)
    settings.write_text(yaml.safe_dump(loaded))
    password = {"KAFKA_PASSWORD": secured.password}

    unprepared = await switchboard(settings, "processor", code=2, **password)
    assert "switchboard topics apply" in unprepared.err
    await switchboard(settings, "topics", "apply", **password)

    client = {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": secured.user,
        "sasl_plain_password": secured.password,
        "ssl_context": create_ssl_context(cafile=str(secured.ca_file)),
    }
    with ExitStack() as stack:
        services: dict[str, Service] = {
            name: stack.enter_context(running(name, settings, tmp_path, port, **password))
            for name, port in ports.items()
        }
        for name in ("ingress", "processor", "sender"):
            await eventually(services[name].ready, 60, f"{name} is ready")
        await produce(secured.sasl_ssl_bootstrap, MESSAGES.name, [(None, orjson.dumps(COMMAND))], **client)

        def ended(records: list[Any]) -> bool:
            return any(orjson.loads(record.value)["terminal"] for record in records)

        results = [
            orjson.loads(record.value)
            for record in await read_until(secured.sasl_ssl_bootstrap, RESULTS.name, ended, 90, **client)
        ]
        results = [result for result in results if result["step"] != "message"]
        assert [result["step"] for result in results] == ["accepted", "attempted", "sent"]
        sid = results[-1]["message_sid"]

        async def delivered() -> bool:
            row = await _json(f"{services['processor'].url}/v1/messages/{sid}")
            return row is not None and (row["status"], row["command_id"]) == ("delivered", "order-1")

        await eventually(delivered, 30, "the message is delivered, as the callbacks told")
        traced = (await switchboard(settings, "trace", "order-1", **password)).out.decode()
        assert "message delivered" in traced
        assert "command sent" in traced
        assert "+14155550123" not in traced

        heard = await _json(
            f"{services['simulator'].url}/simulator/inbound",
            {"account_sid": ACCOUNT, "from": "whatsapp:+14155550123", "to": "whatsapp:+14155550100", "body": REPLY},
        )
        assert heard["status"] == 200
        [reply] = await read_until(secured.sasl_ssl_bootstrap, INBOUND.name, bool, 90, **client)
        fact = orjson.loads(reply.value)
        assert (fact["from"], fact["body"]) == ("whatsapp:+14155550123", REPLY)
        assert fact["contact"] == results[-1]["contact"], "one person on SMS and WhatsApp"

        async def quiet() -> bool:
            return bool((await _json(f"{services['simulator'].url}/simulator/quiet"))["quiet"])

        await eventually(quiet, 30, "Twilio has nothing more to tell")

        async def at_rest() -> str | None:
            said = (await switchboard(settings, "check", code=None, **password)).text
            return None if "had not come to rest" in said else said

        checked = await eventually(at_rest, 30, "the log has come to rest")
        # Of the others nothing happened here.
        assert "Promises held: 13, broken: 0." in checked, checked
        await what_errors_would_tell(services, secured.sasl_ssl_bootstrap, **client)
        shown = [await switchboard(settings, *words, **password) for words in (["dead", "list"], ["why", "code-sent"])]
        assert "twilio.inbound.v1" in shown[0].text
        # A person at the shell sees our own number.
        assert not [one for one in (*CODES, COMMAND["to"][4:]) if one in shown[0].text + shown[1].text]
        for name, service in services.items():
            told = service.log.read_text()
            if name != "simulator":
                told += await _text(f"{service.operations}/metrics")
            assert in_clear(told, [secured.password]) == [], f"{name} tells it in its log or its metrics"
        assert [*others_may(tmp_path / "processor"), *others_may(tmp_path / "sender")] == []


async def test_a_dead_broker_is_a_sentence(tmp_path: Path) -> None:
    dead = settings_file(tmp_path, "127.0.0.1:9")
    for command in (["topics", "plan"], ["processor"]):
        answered = await switchboard(dead, *command, code=None)
        assert answered.code != 0
        assert "127.0.0.1:9" in answered.err
