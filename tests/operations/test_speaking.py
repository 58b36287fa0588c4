"""What the command line produces for a tenant is believed by its senders."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.contract import signatures
from services.contract.codec import encode
from services.contract.consent import CONSENT_COMMANDS
from services.contract.messages import MESSAGES
from services.contract.signatures import HEADER
from services.contract.topic import own_topic
from services.domain.messages.commands import CancelMessage
from services.domain.outbox.accepted import CancelAccepted
from services.operations.producing import Speaker, signed_anew
from services.runtime.catalogues import Catalogues
from services.runtime.clock import CLOCK
from services.runtime.config import Settings
from services.runtime.folding.fold import Record
from services.runtime.price_lists import PriceLists
from services.runtime.registries import Registries
from services.runtime.section import ConfigError
from services.runtime.sections.kafka import KafkaSettings
from services.runtime.tenants.opening import tenants_of
from services.sender.intake import Intake, Lists, tenant_rules
from tests.sender.reading import read_message

CANCEL = CancelMessage(command_id="c-1", tenant="acme", to="+14155550123", by="me")


def settings(folder: Path, own: bool = False, **acme: Any) -> Settings:
    (folder / "tenants").mkdir()
    (folder / "secret").write_text("s" * 40)
    (folder / "next").write_text("n" * 40)
    secret = {"file": str(folder / "secret")}
    least = {"account_sid": "AC" + "a" * 32, "auth_tokens": [secret], "contact_secret": secret}
    (folder / "tenants" / "acme.yaml").write_text(yaml.safe_dump(least | acme, sort_keys=False))
    return Settings(tenants_dir=folder / "tenants", kafka=KafkaSettings(tenant_topics=["acme"] if own else []))


def keys(folder: Path) -> dict[str, Any]:
    return {"producer_keys": {name: {"file": str(folder / name)} for name in ("secret", "next")}}


def taken(found: Settings, topic: str, headers: list[tuple[str, bytes]]) -> bool:
    record = Record(topic, 0, 0, CLOCK.milliseconds(), b"k", encode(CANCEL), headers, by_broker=True)
    lists = Lists(PriceLists(found.kafka), Registries(found.kafka), Catalogues(found.kafka))
    intake = Intake(tenant_rules(found, tenants_of(found), lists))
    return [type(one) for one in intake(None, read_message(record))[1]] == [CancelAccepted]


def test_it_signs_by_the_first_key(tmp_path: Path) -> None:
    found = settings(tmp_path, unsigned_commands="refused", **keys(tmp_path))
    speaker, value = Speaker(found, "acme"), encode(CANCEL)
    assert speaker.topic(CONSENT_COMMANDS) == CONSENT_COMMANDS.name
    headers = speaker.headers(MESSAGES.name, value)
    signature = signatures.read(headers)
    assert signature is not None
    assert signature.key_id == "secret"
    assert taken(found, MESSAGES.name, headers)
    assert not taken(found, MESSAGES.name, [one for one in headers if one[0] != HEADER])


def test_it_produces_on_the_tenants_own_topic(tmp_path: Path) -> None:
    found = settings(tmp_path, own=True, unsigned_commands="refused", **keys(tmp_path))
    speaker = Speaker(found, "acme")
    topic = speaker.topic(MESSAGES)
    assert topic == own_topic(MESSAGES, "acme").name
    headers = dict(speaker.headers(topic, encode(CANCEL)))
    assert HEADER not in headers
    assert headers["schema"] == MESSAGES.name.encode()
    assert taken(found, topic, [*headers.items()])


def test_where_nobody_asks_for_it_nothing_is_signed(tmp_path: Path) -> None:
    found = settings(tmp_path)
    for name in ("acme", "a tenant of other settings"):
        assert HEADER not in dict(Speaker(found, name).headers(MESSAGES.name, b"{}"))


def test_where_nothing_could_be_believed_it_is_said_before_anything_is_produced(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="neither producer_keys nor topics"):
        Speaker(settings(tmp_path, unsigned_commands="refused"), "acme")


def test_a_mended_dead_letter_is_signed_anew_and_keeps_its_other_headers(tmp_path: Path) -> None:
    found = settings(tmp_path, unsigned_commands="refused", **keys(tmp_path))
    old = [("traceparent", b"t"), (HEADER, b"of the torn bytes")]
    headers = signed_anew(found, MESSAGES.name, encode(CANCEL), old)
    assert [name for name, _ in headers] == ["traceparent", HEADER]
    assert taken(found, MESSAGES.name, headers)
    own = own_topic(MESSAGES, "acme").name
    for topic, value in ((own, encode(CANCEL)), (MESSAGES.name, b"{"), (MESSAGES.name, json.dumps([]).encode())):
        assert signed_anew(found, topic, value, old) == [("traceparent", b"t")]
