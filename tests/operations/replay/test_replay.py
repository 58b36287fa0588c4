"""`switchboard replay` as a person runs it: what is meant is found, shown, and written once more as it was."""

import signal
from datetime import UTC, datetime, timedelta

import pytest
from aiokafka import AIOKafkaProducer, ConsumerRecord

from services.contract.codec import encode
from services.contract.codec import headers as codec_headers
from services.contract.messages import INBOUND, STATUS
from tests.kafka_records import produce
from tests.operations.dead.rig import House, on_the_log
from tests.switchboard import Command, switchboard
from tests.waiting import eventually

from .rig import contact_of, heard, people, told, write


def ago(**span: float) -> str:
    return (datetime.now(UTC) - timedelta(**span)).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def copies(records: list[ConsumerRecord]) -> list[ConsumerRecord]:
    return [record for record in records if "replayed-at" in dict(record.headers)]


async def test_a_fact_is_written_once_more_as_it_was(house: House) -> None:
    fact = heard(next(people()), "a secret")
    key, headers = INBOUND.key(fact), codec_headers(INBOUND.name, b"00-1-2-01")
    async with AIOKafkaProducer(bootstrap_servers=house.bootstrap) as producer:
        await producer.send_and_wait(INBOUND.name, encode(fact), key=key.encode(), headers=headers)
    words = ("replay", "--sid", fact.message_sid)
    dry = await switchboard(house.settings, *words)
    assert "1 facts would be replayed. Nothing was written" in dry.text
    [before] = await on_the_log(house, INBOUND, key)
    for _ in range(2):
        said = await switchboard(house.settings, *words, "--apply")
        assert "1 facts were replayed." in said.text
        assert "secret" not in said.text
    first, *again = await on_the_log(house, INBOUND, key)
    # The second time the copy is left out: what it was copied from is still there.
    assert len(again) == 2
    assert first == before
    for record in again:
        assert (record.key, record.value, record.partition) == (first.key, first.value, first.partition)
        own = dict(record.headers)
        assert own.pop("replayed-from") == str(first.offset).encode()
        assert own.pop("replayed-at").decode() >= fact.received_at
        assert list(own.items()) == headers


async def test_each_filter_leaves_out_what_does_not_fit(house: House) -> None:
    address = next(people())
    contact = contact_of(address)
    old = heard(address, "hello", received_at=ago(days=3))
    new = heard(address, "hello", received_at=ago(days=1))
    status = told("SM" + "f" * 31 + "1", "sent", contact=contact, received_at=ago(days=2))
    other = heard(next(people()), "hello", tenant="globex", received_at=ago(days=2))
    await write(house.bootstrap, old, new, status, other)
    for words, count in [
        (["--contact", address], 3),
        (["--contact", contact], 3),
        (["--contact", address, "--topic", STATUS.name], 1),
        (["--contact", address, "--since", ago(days=2, hours=1)], 2),
        (["--contact", address, "--until", ago(days=2, hours=1)], 1),
        (["--contact", address, "--since", ago(days=2, hours=1), "--until", ago(days=1, hours=1)], 1),
        (["--sid", old.message_sid, "--sid", other.message_sid], 2),
        (["--sid", old.message_sid, "--sid", other.message_sid, "--tenant", "globex"], 1),
        (["--contact", address, "--tenant", "acme", "--sid", other.message_sid], 0),
    ]:
        said = (await switchboard(house.settings, "replay", *words)).text
        assert (f"{count} facts would be replayed." if count else "No fact is meant.") in said, words
        assert address not in said


async def test_what_cannot_be_read_is_counted_and_left_to_the_dead_letters(house: House) -> None:
    await produce(house.bootstrap, STATUS.name, [(b"x", b"\xff"), (b"x", None)])
    said = (await switchboard(house.settings, "replay", "--sid", "SMnone", "--topic", STATUS.name)).text
    assert "No fact is meant." in said
    assert "switchboard dead list" in said


async def test_stopped_in_the_middle_it_says_how_far_it_came(house: House) -> None:
    address = next(people())
    facts = [heard(address, "hello") for _ in range(50)]
    await write(house.bootstrap, *facts)
    contact = contact_of(address)
    command = Command(house.settings, "replay", "--contact", contact, "--apply", "--per-second", "5")

    async def begun() -> bool:
        return len(copies(await on_the_log(house, INBOUND, contact))) >= 2

    await eventually(begun, 60, "some are replayed")
    command.process.send_signal(signal.SIGINT)
    said = await command.ended()
    assert said.code == 130, said.text
    assert "Traceback" not in said.err
    there = len(copies(await on_the_log(house, INBOUND, contact)))
    assert there < len(facts)
    assert f"{there} facts were replayed before that." in said.text
    assert "Stopped. What was replayed stays" in said.text


@pytest.mark.parametrize(
    ("words", "environment", "sentence"),
    [
        ([], {}, "give a filter, such as --since; --all means every fact that the log has"),
        (["--topic", INBOUND.name, "--apply"], {}, "--all means every fact"),
        (["--all", "--topic", "twilio.sent.v1"], {}, "twilio.sent.v1 holds no raw facts; those that do: "),
        (["--since", "soon"], {}, "--since 'soon' is no time"),
        (["--all"], {"SWITCHBOARD_KAFKA__BOOTSTRAP": "127.0.0.1:9"}, "no Kafka answers at 127.0.0.1:9"),
        (["--all"], {"SWITCHBOARD_KAFKA__PARTITIONS": "3"}, "correct the setting"),
    ],
)
async def test_what_is_in_the_way_is_a_sentence(
    house: House, words: list[str], environment: dict[str, str], sentence: str
) -> None:
    said = await switchboard(house.settings, "replay", *words, code=2, **environment)
    assert sentence in " ".join(said.err.split())
