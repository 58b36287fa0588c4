"""`switchboard dead list` and `show`: what there is and why, found by each filter, and nothing of what it says."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from services.contract.messages import INBOUND, MESSAGES, STATUS
from services.domain.contact import contact_key
from tests.processes import SECRETS
from tests.switchboard import switchboard

from .rig import VALUE, House, bury, fresh_key, lost

SECRET_WORDS = ("a secret", "4155550123", "jo@example")


async def listed(house: House, *words: str) -> str:
    said = (await switchboard(house.settings, "dead", "list", *words)).text
    assert not [word for word in SECRET_WORDS if word in said]
    return said


async def test_letters_are_counted_by_topic_and_reason_and_the_newest_named(house: House) -> None:
    key = fresh_key()
    odd, large = [lost(key) for _ in range(3)], lost(key)
    await bury(house, *odd)
    await bury(house, large, reason="too_large")
    said = await listed(house, "--key", key, "--newest", "2")
    counted = [line.split() for line in said.splitlines() if line.startswith(f" {INBOUND.name} ")]
    assert counted == [[INBOUND.name, "too_large", *"1100"], [INBOUND.name, "undecodable", *"3300"]]
    assert [one.position in said for one in (*odd, large)] == [False, False, True, True]
    assert "why +1415•••••23" in said


async def test_each_filter_leaves_out_what_does_not_fit(house: House) -> None:
    key, reason = fresh_key(), fresh_key()
    of_key, of_reason = lost(key), lost(fresh_key())
    status, command = lost(key, topic=STATUS), lost(key, topic=MESSAGES)
    await bury(house, of_key)
    await bury(house, of_reason, reason=reason)
    await bury(house, status, topic=STATUS)
    await bury(house, command, topic=MESSAGES)
    every = (of_key, of_reason, status, command)
    now = datetime.now(UTC)
    before, after = (f"{now + timedelta(hours=hours):%Y-%m-%dT%H:%MZ}" for hours in (-1, 1))
    for words, fitting in [
        (["--key", key], (of_key, status, command)),
        (["--reason", reason], (of_reason,)),
        (["--key", key, "--topic", STATUS.name], (status,)),
        (["--key", key, "--topic", STATUS.dead], (status,)),
        (["--key", key, "--since", before, "--until", after], (of_key, status, command)),
        (["--key", key, "--since", after], ()),
        (["--key", key, "--until", before], ()),
    ]:
        said = await listed(house, *words)
        assert {one.position for one in every if one.position in said} == {one.position for one in fitting}, words
        assert ("No dead letters." in said) == (not fitting)


async def test_a_person_is_found_by_address_whether_the_key_or_the_value_names_them(house: House) -> None:
    address = "+14155550177"
    contact = contact_key("acme", address, SECRETS["TEST_CONTACT_SECRET"].encode())
    of_key, of_value = lost(contact), lost("SM1", b'{"contact": "%s", "body": 1}' % contact.encode(), topic=STATUS)
    await bury(house, of_key, lost(fresh_key()))
    await bury(house, of_value, topic=STATUS)
    for given in (address, contact):
        said = await listed(house, "--contact", given)
        assert said.count("@") == 2
        assert of_key.position in said
        assert of_value.position in said


async def test_what_two_services_could_not_fold_is_one_letter(house: House) -> None:
    key = fresh_key()
    one = lost(key)
    await bury(house, one)
    await bury(house, one, reason="defect")
    assert (await listed(house, "--key", key)).count(one.position) == 1


async def test_one_is_shown_by_its_shape_and_given_whole_only_when_asked_for(house: House, tmp_path: Path) -> None:
    one = lost(fresh_key())
    await bury(house, one)
    said = (await switchboard(house.settings, "dead", "show", one.position)).text
    assert not [word for word in SECRET_WORDS if word in said]
    assert '{"body": "x xxxxxx", "from": "+00000000000"' in said
    for told in (one.position, "undecodable", f"{len(VALUE)} bytes", "traceparent (9 bytes)", "possible"):
        assert told in said
    assert (await switchboard(house.settings, "dead", "show", one.position, "--raw", "-")).out == VALUE
    file = tmp_path / "raw"
    assert (await switchboard(house.settings, "dead", "show", one.position, "--raw", str(file))).out == b""
    assert file.read_bytes() == VALUE


async def test_whatever_others_write_among_them_is_a_letter_that_nobody_can_retry(house: House) -> None:
    key = fresh_key()
    async with AIOKafkaProducer(bootstrap_servers=house.bootstrap) as producer:
        elsewhere = [("source-topic", b"twilio.status.v1"), ("source-partition", b"0"), ("source-offset", b"1")]
        for headers in ([], elsewhere, [("source-partition", b"\xff"), ("reason", b"\xff[bold]\x1b")]):
            await producer.send_and_wait(INBOUND.dead, b"\xff\x00", key=key.encode(), headers=headers)
    said = await listed(house, "--key", key)
    assert said.count(f"{INBOUND.dead}/") == 3
    assert "\x1b" not in said
    refused = await switchboard(house.settings, "dead", "retry", "--key", key)
    assert "3 left alone" in refused.text
    assert "Nothing is to be retried" in refused.text


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["list", "--topic", "twilio.nothing.v1"], "twilio.nothing.v1 has no dead letters; topics that have: "),
        (["list", "--since", "soon"], "--since 'soon' is no time"),
        (["list", "--since", "2026-01-02T00:00Z", "--until", "2026-01-01T00:00Z"], "is not before --until"),
        (["show", "twilio.inbound.v1"], "names no letter: it looks like"),
        (["retry"], "--all means every letter there is"),
        (["drop", "--apply"], "--all means every letter there is"),
        (["retry", "twilio.inbound.v1/0@5", "--apply"], "no dead letter twilio.inbound.v1/0@5"),
        (["retry", "--reason", "undecodable", "--value", "x"], "name its letter"),
        (["retry", "twilio.inbound.v1/0@5", "--value", "/nowhere"], "--value /nowhere: No such file"),
    ],
)
async def test_what_is_in_the_way_is_a_sentence(house: House, words: list[str], sentence: str) -> None:
    assert sentence in " ".join((await switchboard(house.settings, "dead", *words, code=2)).err.split())


async def test_one_that_is_not_there_is_an_answer(house: House) -> None:
    said = await switchboard(house.settings, "dead", "show", "twilio.inbound.v1/0@5", code=1)
    assert "no dead letter twilio.inbound.v1/0@5; `dead list` shows" in said.text


async def test_a_broker_that_is_away_is_a_sentence(house: House) -> None:
    away = {"SWITCHBOARD_KAFKA__BOOTSTRAP": "127.0.0.1:9"}
    for words in (["list"], ["retry", "--all", "--apply"]):
        said = await switchboard(house.settings, "dead", *words, code=2, **away)
        assert "127.0.0.1:9" in said.err
