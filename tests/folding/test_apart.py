"""What others say changes nothing of a tenant's: no row of any table, no event that is told, in no fold."""

import functools
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.contract import codec
from services.contract.topics import topic_of
from services.domain.clock import iso
from services.domain.consent.commands import ConsentAccepted, ContactLinked
from services.domain.consent.hearing import Heard
from services.domain.consent.holds import place, release
from services.domain.messages.commands import CommandAccepted, Options
from services.domain.messages.events import InboundReceived, MessageSent, OutcomeReached, StatusReceived
from services.domain.outbox.accepted import CancelAccepted, ResolutionAccepted
from services.domain.outbox.pauses import PauseEnded, PausePlaced, Pauses, of_label, of_tenant
from services.domain.results import CommandResult
from services.processor.topology import topology
from services.runtime.config import Settings, load
from services.runtime.folding.fold import Fold, Record
from services.runtime.folding.overlay import Overlay
from services.runtime.tenants.live import Tenants
from services.sender.topology import folds
from tests.processes import SECRETS, settings_file

MINE, OTHER = "acme", "globex"
BEGAN = 1_800_000_000_000
SIDS = ["SM" + digit * 32 for digit in "12"]
IDS = ["order-1", "order 1"]
PEOPLE = ["a" * 32, "b" * 32]
STATUSES = ["queued", "sent", "delivered", "undelivered", "read", "odd"]
CODES = [None, None, 21610, 30002, 30003, 63016]


class Said(NamedTuple):
    """A fact, and whose word it is."""

    tenant: str
    event: Any


class Kept(NamedTuple):
    """What stands after a log: rows by fold, table and key; and what was told, in order."""

    rows: dict[tuple[str, str, str], Any]
    told: list[dict[str, Any]]


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterable[list[Fold]]:
    folder: Path = tmp_path_factory.mktemp("apart")
    with pytest.MonkeyPatch.context() as patch:
        for name, secret in SECRETS.items():
            patch.setenv(name, secret)
        patch.setenv("SWITCHBOARD_CONFIG", str(settings_file(folder, "127.0.0.1:9")))
        configured: Settings = load()
    return [*topology(configured, {}), *folds(configured, Tenants(configured.tenants))]


@st.composite
def facts(draw: st.DrawFn) -> Said:
    """A fact of one of two tenants; the other one may name anybody's contacts."""
    tenant = _one(draw, (MINE, OTHER))
    whose = MINE if tenant == MINE else _one(draw, (MINE, OTHER))
    contact = f"{whose}|{_one(draw, PEOPLE)}"
    second = draw(st.integers(0, 400))
    kind = _one(draw, KINDS)
    common = {"event_id": f"{tenant} {kind} {contact} {second} {draw(st.integers(0, 3))}", "tenant": tenant}
    return Said(tenant, KINDS[kind](draw, common, contact, iso(BEGAN + second * 1000)))


def _one(draw: st.DrawFn, of: Sequence[Any]) -> Any:
    return draw(_choice(tuple(of)))


# A strategy that is made anew for each draw costs more than the draw.
_choice = functools.cache(st.sampled_from)
LINKED = st.lists(st.sampled_from(PEOPLE), max_size=1)


def _status(draw: st.DrawFn, common: Any, contact: str, at: str) -> Any:
    return StatusReceived(
        **common, received_at=at, contact=contact, command_id=_one(draw, [None, *IDS]), account_sid="AC1",
        message_sid=_one(draw, SIDS), message_status=_one(draw, STATUSES), error_code=_one(draw, CODES),
        from_="+14155550100", to="+14155550123", raw={"MessagingServiceSid": "MG" + "1" * 32},
    )  # fmt: skip


def _sent(draw: st.DrawFn, common: Any, contact: str, at: str) -> Any:
    return MessageSent(
        **common, sent_at=at, contact=contact, command_id=_one(draw, IDS), account_sid="AC1",
        message_sid=_one(draw, SIDS), message_status="queued", from_="+14155550100", to="+14155550123",
    )  # fmt: skip


def _inbound(draw: st.DrawFn, common: Any, contact: str, at: str) -> Any:
    says = _one(draw, ["stop", "start", "suspected", None])
    heard = says and Heard(says=says, by="body", consents=says == "start", releases=says == "start")
    linked = [contact.rpartition("|")[0] + "|" + name for name in draw(LINKED)]
    return InboundReceived(
        **common, received_at=at, contact=contact, account_sid="AC1", message_sid=_one(draw, SIDS), num_media=0,
        from_="whatsapp:+14155550123", to="whatsapp:+14155550100", body="", heard=heard, linked=linked, raw={},
    )  # fmt: skip


def _linked(draw: st.DrawFn, common: Any, contact: str, at: str) -> Any:
    names = [MINE] if common["tenant"] == MINE else [MINE, OTHER]
    return ContactLinked(**common, contact=contact, linked=f"{_one(draw, names)}|{_one(draw, PEOPLE)}", at=at, marks=[])


def _consent(draw: st.DrawFn, common: Any, contact: str, at: str) -> Any:
    return ConsentAccepted(
        **common, command_id=_one(draw, IDS), contact=contact, accepted_at=at, given_at=at, scope="tenant",
        action=_one(draw, ["opt_in", "opt_out"]), address="+14155550123",
    )  # fmt: skip


def _hold(draw: st.DrawFn, common: Any, contact: str, at: str) -> Any:
    position = f"twilio.inbound.v1/0@{draw(st.integers(0, 3))}"
    hold = draw(st.sampled_from([place(position, contact, at, "app"), release(position, contact, at, "dropped")]))
    return msgspec.structs.replace(hold, tenant=common["tenant"])


def _send(draw: st.DrawFn, common: Any, contact: str, at: str) -> Any:
    return CommandAccepted(
        **common, command_id=_one(draw, IDS), contact=contact, accepted_at=at, sequence=1, not_after=at,
        fingerprint=_one(draw, ["f", "g"]), channel="sms", country="US", to="+14155550123", from_="+14155550100",
        messaging_service_sid=None, body="x", media_urls=[], content_sid=None, content_variables={}, urgent=False,
        options=Options(),
    )  # fmt: skip


def _cancel(draw: st.DrawFn, common: Any, contact: str, at: str) -> Any:
    return CancelAccepted(**common, command_id=_one(draw, IDS), contact=contact, accepted_at=at, by="ann")


def _resolution(draw: st.DrawFn, common: Any, contact: str, at: str) -> Any:
    return ResolutionAccepted(
        **common, command_id=_one(draw, IDS), contact=contact, accepted_at=at, outcome=_one(draw, ["sent", "not_sent"]),
        by="ann", sid=_one(draw, SIDS),
    )  # fmt: skip


def _outcome(draw: st.DrawFn, common: Any, contact: str, at: str) -> Any:
    return OutcomeReached(
        **common, at=at, contact=contact, command_id=_one(draw, [None, *IDS]), message_sid=_one(draw, SIDS),
        sender="+14155550100", status=_one(draw, STATUSES), error_code=_one(draw, CODES),
    )  # fmt: skip


def _result(draw: st.DrawFn, common: Any, contact: str, at: str) -> Any:
    step = _one(draw, ["accepted", "attempted", "ambiguous", "sent", "rejected"])
    return CommandResult(
        **common, command_id=_one(draw, IDS), contact=contact, at=at, step=step, terminal=step in ("sent", "rejected")
    )  # fmt: skip


def _pause(draw: st.DrawFn, common: Any, contact: str, at: str) -> Any:
    tenant = common["tenant"]
    scope = _one(draw, [of_tenant(tenant), of_label(tenant, "news")])
    if draw(st.booleans()):
        return PauseEnded(**common, key="k", scope=scope, at=at, by="ann")
    cause: Any = "account" if scope == of_tenant(tenant) and draw(st.booleans()) else None
    return PausePlaced(**common, key="k", scope=scope, at=at, by="ann", cause=cause)


KINDS = {
    "status": _status, "sent": _sent, "inbound": _inbound, "linked": _linked, "consent": _consent, "hold": _hold,
    "send": _send, "cancel": _cancel, "resolution": _resolution, "outcome": _outcome, "result": _result,
    "pause": _pause,
}  # fmt: skip


def play(product: Sequence[Fold], log: Iterable[tuple[int, Said]]) -> Kept:
    """Fold a log, each fact at its own offset, by every fold that reads it."""
    kept = Kept({}, [])
    for offset, said in log:
        topic = topic_of(said.event)
        key = topic.key(said.event).encode()
        record = Record(topic.name, 0, offset, BEGAN, key, codec.encode(said.event), codec.headers(topic.name))
        for fold in product:
            if topic in fold.sources:
                _fold(kept, fold, record)
    return kept


def _fold(kept: Kept, fold: Fold, record: Record) -> None:
    overlay = Overlay(fold, lambda table, key: kept.rows.get((fold.name, table.name, key)))
    overlay.record(record)
    for (table, key), row in overlay.rows.items():
        kept.rows[fold.name, table, key] = row.value
    kept.told.extend(
        msgspec.json.decode(one.value)
        for one in overlay.emissions
        if one.value is not None and not one.topic.endswith(".dead.v1")
    )


def _own_pauses(row: Pauses, tenant: str) -> Pauses:
    return Pauses(
        standing={scope: one for scope, one in row.standing.items() if tenant in scope.split(" ")},
        ended={scope: at for scope, at in row.ended.items() if tenant in scope.split(" ")},
        seen={one: ids for one, ids in row.seen.items() if one == tenant},
    )


def own(kept: Kept, tenant: str) -> Kept:
    """What of it is this tenant's."""
    rows = {}
    for name, row in kept.rows.items():
        if isinstance(row, Pauses):
            rows[name] = _own_pauses(row, tenant)
        elif tenant in name[2].replace("|", " ").split(" ") and row is not None:
            rows[name] = row
    return Kept(rows, [one for one in kept.told if one["tenant"] == tenant])


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(log=st.lists(facts(), max_size=25))
def test_what_another_tenant_says_changes_nothing_of_ones_own(product: list[Fold], log: list[Said]) -> None:
    numbered = list(enumerate(log))
    together = own(play(product, numbered), MINE)
    together = together._replace(rows={name: row for name, row in together.rows.items() if row != Pauses()})
    alone = play(product, [(offset, said) for offset, said in numbered if said.tenant == MINE])
    assert together.rows == own(alone, MINE).rows
    assert together.told == alone.told


@pytest.mark.parametrize("first", [MINE, OTHER])
def test_a_stranger_who_speaks_first_does_not_shut_out_the_owner(product: list[Fold], first: str) -> None:
    sent = MessageSent(
        event_id="sent", tenant=MINE, sent_at=iso(BEGAN), contact=f"{MINE}|{PEOPLE[0]}", command_id="c",
        account_sid="AC1", message_sid=SIDS[0], message_status="queued", from_="+14155550100", to="+14155550123",
    )  # fmt: skip
    strange = StatusReceived(
        event_id="strange", tenant=OTHER, received_at=iso(BEGAN), account_sid="AC2", message_sid=SIDS[0],
        message_status="read", error_code=21610, from_="+1", to="+2", contact=f"{OTHER}|{PEOPLE[0]}", raw={},
    )  # fmt: skip
    log = [Said(MINE, sent), Said(OTHER, strange)]
    kept = play(product, list(enumerate(log if first == MINE else reversed(log))))
    assert kept.rows["messages", "delivery", f"{SIDS[0]} {MINE}"].status == "queued"
    assert kept.rows["messages", "delivery", f"{SIDS[0]} {OTHER}"].status == "read"


def test_a_fact_that_names_a_contact_of_another_is_put_aside_and_holds_nobody(product: list[Fold]) -> None:
    contact = f"{MINE}|{PEOPLE[0]}"
    no = ConsentAccepted(
        event_id="no", tenant=OTHER, command_id="c", contact=contact, accepted_at=iso(BEGAN), given_at=iso(BEGAN),
        action="opt_out", scope="tenant", address="+14155550123",
    )  # fmt: skip
    headers = codec.headers("twilio.outbound.accepted.v1")
    record = Record("twilio.outbound.accepted.v1", 0, 1, BEGAN, contact.encode(), codec.encode(no), headers)
    for fold in product:
        if "twilio.outbound.accepted.v1" in {topic.name for topic in fold.sources}:
            overlay = Overlay(fold, lambda _table, _key: None)
            overlay.record(record)
            [letter] = overlay.emissions
            assert letter.topic == "twilio.outbound.accepted.dead.v1"
            assert dict(letter.headers)["reason"] == b"anothers"
            assert not overlay.rows
