"""The rules of the topic registry."""

import re
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.contract.consent import CONSENT
from services.contract.fold import MEDIA_APP, POLLER_APP, SENDER_APP, changelog
from services.contract.messages import DELIVERABILITY, MESSAGES, STATUS
from services.contract.outbound import ACCEPTED, RESULTS
from services.contract.tenants import TENANTS
from services.contract.topic import Topic
from services.contract.topics import CHANGELOGS, DEAD, EVENTS, topic_of
from services.contract.topics import FOLDS as REGISTERED
from services.domain.consent.commands import ConsentAccepted, ContactLinked, MessageDated
from services.domain.consent.deactivations import NumbersDeactivated
from services.domain.consent.holds import HoldPlaced, HoldReleased
from services.domain.followups.commands import FollowUpAccepted
from services.domain.messages.commands import (
    CancelMessage,
    CommandAccepted,
    RescheduleMessage,
    ResolveAmbiguous,
    SendMessage,
)
from services.domain.messages.deliverability import DeliverabilityCounted
from services.domain.messages.events import MessageSent, StatusReceived
from services.domain.messages.lines import NumberLookedUp
from services.domain.outbox.accepted import CancelAccepted, RescheduleAccepted, ResolutionAccepted
from services.domain.outbox.pauses import PauseEnded, PausePlaced
from services.domain.results import CommandResult
from services.domain.studio.commands import ExecutionAccepted
from services.domain.studio.events import ContactExecution
from services.media.topology import FOLDS as COPIED
from services.poller.products import FOLDS as POLLED
from services.processor.topology import topology
from services.runtime.config import Settings
from services.runtime.folding.fold import Fold
from services.runtime.tenants.live import Tenants
from services.sender.topology import folds
from tests.contract.generated import events

FOLDS: list[tuple[str, Fold]] = [
    *((fold.contract.app, fold) for fold in topology(Settings(), {})),
    *((SENDER_APP, fold) for fold in folds(Settings(), Tenants())),
    *((POLLER_APP, fold) for fold in POLLED),
    *((MEDIA_APP, fold) for fold in COPIED),
]


def sent() -> MessageSent:
    return MessageSent(
        event_id="e1", tenant="acme", sent_at="2026-02-21T18:22:11.123Z", contact="acme|c1", command_id="c-1",
        account_sid="AC1", message_sid="SM1", message_status="queued", from_="+14155550100", to="+14155550123",
    )  # fmt: skip


def test_no_two_topics_share_a_name() -> None:
    names = [topic.name for topic in (*EVENTS, *DEAD)] + list(CHANGELOGS)
    assert len(names) == len(set(names))


def test_no_two_topics_share_a_type() -> None:
    types = [type_ for topic in EVENTS for type_ in topic.types]
    assert len(types) == len(set(types))
    assert all(issubclass(type_, msgspec.Struct) for type_ in types)
    assert all(topic.types for topic in EVENTS)


@pytest.mark.parametrize(
    ("topic", "types"),
    [
        (RESULTS, (CommandResult,)),
        (MESSAGES, (SendMessage, ResolveAmbiguous, CancelMessage, RescheduleMessage)),
        (
            ACCEPTED,
            (
                CommandAccepted,
                ExecutionAccepted,
                FollowUpAccepted,
                ConsentAccepted,
                ContactLinked,
                MessageDated,
                HoldPlaced,
                HoldReleased,
                ResolutionAccepted,
                CancelAccepted,
                RescheduleAccepted,
                PausePlaced,
                PauseEnded,
                ContactExecution,
                NumberLookedUp,
                NumbersDeactivated,
            ),
        ),
        (DEAD[0], ()),
    ],
)
def test_a_topic_has_one_type_or_several_or_bytes(topic: Topic, types: tuple[type, ...]) -> None:
    assert topic.types == types


@pytest.mark.parametrize("topic", [topic for topic in EVENTS if not topic.public], ids=lambda topic: topic.name)
def test_values_of_several_types_are_told_apart_by_their_tag(topic: Topic) -> None:
    """A public topic's may leave it out: they are read with distrust."""
    tags = [type_.__struct_config__.tag for type_ in topic.types]
    fields = {type_.__struct_config__.tag_field for type_ in topic.types}
    assert len(topic.types) == 1 or (len(set(tags)) == len(tags) and fields == {"event_type"})


@pytest.mark.parametrize("topic", EVENTS, ids=lambda topic: topic.name)
@given(data=st.data())
@settings(max_examples=5)
def test_every_type_of_a_topic_finds_it_and_has_a_key_there(topic: Topic, data: st.DataObject) -> None:
    for type_ in topic.types:
        event = data.draw(events(type_))
        assert topic_of(event) is topic
        assert isinstance(topic.key(event), str)
        assert topic.replaces is None or isinstance(topic.replaces(event), str)


@pytest.mark.parametrize("topic", EVENTS, ids=lambda topic: topic.name)
def test_what_is_kept_for_ever_is_evidence_or_compacted(topic: Topic) -> None:
    assert (topic.retention is None) == (topic in (CONSENT, TENANTS) or topic.compacted)
    # Compaction keeps the last value of a key: then each must state the whole, of that key.
    assert not (topic.compacted and topic.replaces)


def test_deliverability_replaces_within_its_key() -> None:
    """Several rows, of minutes and parts, share a dimension and so a key."""
    counted = DeliverabilityCounted(
        event_id="e", tenant="acme", minute="2026-02-21T18:22:00.000Z", country="US", carrier="", channel="sms",
        sender="+1", part=3, sent=0, delivered=0, read=0, failed=1, errors={"7": 1},
    )  # fmt: skip
    later = msgspec.structs.replace(counted, minute="2026-02-21T18:23:00.000Z")
    assert DELIVERABILITY.replaces is not None
    assert DELIVERABILITY.key(counted) == DELIVERABILITY.key(later) == "acme|US||sms|+1"
    assert DELIVERABILITY.replaces(counted) != DELIVERABILITY.replaces(later)


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


def test_each_fold_of_the_contract_is_folded_by_its_app_and_no_other() -> None:
    assert sorted(fold.name for fold in REGISTERED) == sorted(fold.name for _, fold in FOLDS)
    assert all(fold.contract in REGISTERED and fold.contract.app == app for app, fold in FOLDS)


def test_no_two_folds_of_an_app_share_a_topic_or_a_table() -> None:
    """One position in a topic: each of two would miss what the other one took."""
    for app in {fold.app for fold in REGISTERED}:
        for claimed in (lambda fold: fold.reads, lambda fold: fold.keeps):
            claims = [one for fold in REGISTERED if fold.app == app for one in claimed(fold)]
            assert len(set(claims)) == len(claims)


def test_every_folded_topic_has_a_place_for_what_cannot_be_folded() -> None:
    assert {topic.name for topic in DEAD} == {source.dead for _, fold in FOLDS for source in fold.sources}


def test_every_table_has_its_changelog_and_every_changelog_a_table() -> None:
    assert sorted(CHANGELOGS) == sorted(changelog(app, table.name) for app, fold in FOLDS for table in fold.tables)


@pytest.mark.parametrize(("app", "fold"), FOLDS, ids=lambda one: one.name if isinstance(one, Fold) else one)
def test_sources_of_a_fold_share_their_key(app: str, fold: Fold) -> None:
    """All facts of one row meet in one partition."""
    if fold.tables:
        assert len({source.key_is for source in fold.sources}) == 1


def test_changelogs_are_named_as_faust_names_them() -> None:
    assert changelog("app", "table") == "app-table-changelog"
    assert all(
        re.fullmatch(r"switchboard-(processor-[a-z]+|sender|poller|media)-[a-z]+-changelog", name)
        for name in CHANGELOGS
    )


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


def test_what_is_derived_of_a_message_is_keyed_as_the_message() -> None:
    names = ("twilio.status.v1", "twilio.sent.v1", "twilio.delivery.v1")
    assert {topic.key_is for topic in EVENTS if topic.name in names} == {"MessageSid"}
