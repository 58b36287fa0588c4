"""The rules of the topic registry."""

import re
from datetime import timedelta

import msgspec
import pytest

from services.contract.topics import CHANGELOGS, DEAD, EVENTS, STATUS, Topic, changelog, topic_of
from services.domain.messages.events import MessageSent, StatusReceived


def sent() -> MessageSent:
    return MessageSent(
        event_id="e1", tenant="acme", sent_at="2026-02-21T18:22:11.123Z", contact="acme|c1", command_id="c-1",
        account_sid="AC1", message_sid="SM1", message_status="queued", from_="+14155550100", to="+14155550123",
    )  # fmt: skip


def test_no_two_topics_share_a_name() -> None:
    names = [topic.name for topic in (*EVENTS, *DEAD)] + list(CHANGELOGS)
    assert len(names) == len(set(names))


def test_no_two_topics_share_a_type() -> None:
    types = [topic.event for topic in EVENTS]
    assert len(types) == len(set(types))
    assert all(type_ is not None and issubclass(type_, msgspec.Struct) for type_ in types)


@pytest.mark.parametrize("topic", EVENTS, ids=lambda topic: topic.name)
def test_events_are_named_and_versioned(topic: Topic) -> None:
    assert re.fullmatch(r"twilio(\.[a-z]+)+\.v[0-9]+", topic.name)


@pytest.mark.parametrize("topic", EVENTS, ids=lambda topic: topic.name)
def test_a_dead_letter_topic_is_named_after_its_source(topic: Topic) -> None:
    assert topic.dead == topic.name.replace(".v1", ".dead.v1")


def test_every_dead_letter_topic_has_a_source_and_keeps_bytes() -> None:
    assert {topic.name for topic in DEAD} <= {topic.dead for topic in EVENTS}
    for topic in DEAD:
        assert topic.event is None
        assert topic.retention == timedelta(days=30)
        assert not topic.compacted


def test_changelogs_are_named_as_faust_names_them() -> None:
    assert changelog("app", "table") == "app-table-changelog"
    assert all(re.fullmatch(r"switchboard-(processor|sender)-[a-z]+-changelog", name) for name in CHANGELOGS)


def test_an_event_finds_its_topic_and_its_key() -> None:
    event = sent()
    assert topic_of(event).name == "twilio.sent.v1"
    assert topic_of(event).key(event) == "SM1"


def test_what_is_no_event_has_no_topic() -> None:
    class Other(msgspec.Struct):
        pass

    with pytest.raises(KeyError):
        topic_of(Other())


def test_a_callback_without_a_message_is_keyed_by_its_own_id() -> None:
    nameless = StatusReceived(
        event_id="e1", tenant="acme", received_at="2026-02-21T18:22:11.123Z", account_sid="", message_sid="",
        message_status="sent", from_="", to="", raw={},
    )  # fmt: skip
    assert STATUS.key(nameless) == "e1"


def test_sources_of_the_delivery_fold_share_their_key() -> None:
    names = ("twilio.status.v1", "twilio.sent.v1", "twilio.delivery.v1")
    assert {topic.key_is for topic in EVENTS if topic.name in names} == {"MessageSid"}
