"""Commands that came before their tenant: they wait, in bounds and not for ever, and nothing waits behind them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from services.contract import codec, signatures
from services.contract.messages import MESSAGES
from services.domain.clock import later
from services.domain.due import Due
from services.domain.messages.commands import CommandAccepted
from services.domain.results import CommandResult
from services.runtime.catalogues import Catalogues
from services.runtime.config import Settings
from services.runtime.folding.fold import Record
from services.runtime.price_lists import PriceLists
from services.runtime.registries import Registries
from services.runtime.sections.kafka import KafkaSettings
from services.runtime.tenants.files import Found, Refused, Said
from services.runtime.tenants.live import Tenants
from services.runtime.tenants.settings import TenantSettings
from services.sender.intake import Intake, Lists, tenant_rules
from services.sender.parking import LOOK_S, MOST, MOST_BYTES, PATIENCE_S, Parked, Parking
from services.sender.producers import Producers
from tests.sender.reading import read_message

START = "2026-02-21T18:00:00.000Z"
AT_MS = 1_700_000_000_000
SECRET, OTHER = "the first key of these tests, long", "the other key of these tests, long"


class Desk:
    """An intake with one row, a clock that stands, and tenants that come and go."""

    def __init__(self) -> None:
        self.tenants = Tenants()
        self.at = START
        self.row: Parked | None = None
        self.told: list[Any] = []
        known = Lists(PriceLists(KafkaSettings()), Registries(KafkaSettings()), Catalogues(KafkaSettings()))
        rules = tenant_rules(Settings(), self.tenants, known)
        self._parking = Parking(self.tenants, Producers(rules), read_message, lambda: self.at)
        self._fold = Intake(rules, parking=self._parking)
        self._offset = 0

    def set(self, **tenants: TenantSettings | Refused) -> None:
        self.tenants.take(Found({name: Said(one) for name, one in tenants.items()}))

    def produce(
        self,
        tenant: str = "acme",
        body: str = "Hello",
        sign: tuple[str, str] | None = None,
        topic: str = MESSAGES.name,
        **other: Any,
    ) -> list[Any]:
        """`sign`: by which key, and its secret."""
        self._offset += 1
        content = {"command_id": f"c{self._offset}", "tenant": tenant, "to": "+14155550123", "from": "+14155550100"}
        value = json.dumps(content | {"body": body} | other).encode()
        headers = [("h", b"x")]
        if sign is not None:
            headers.append(signatures.sign(topic, value, sign[0], sign[1].encode(), AT_MS // 1000))
        record = Record(topic, 2, self._offset, AT_MS, b"k", value, headers, by_broker=True)
        return self._take(read_message(record))

    def wait(self, seconds: float) -> list[Any]:
        """Let time pass, and wake the row if it is due."""
        self.at = later(self.at, seconds)
        due = self.row is not None and self.row.look_at <= self.at
        return self._take(Due(key="parked 00", at=self.row.look_at)) if due and self.row else []

    def row_of(self, name: str) -> str:
        content = {"command_id": "c", "tenant": name, "to": "+14155550123", "from": "+14155550100", "body": "x"}
        return self._parking.row_key(read_message(Record("t", 0, 0, 0, None, json.dumps(content).encode(), [])))

    def _take(self, event: Any) -> list[Any]:
        row, told = self._fold(self.row, event)
        # As the table keeps it.
        self.row = None if row is None else codec.decode(codec.encode(row), Parked)
        self.told += told
        return list(told)


def tenant(**other: Any) -> TenantSettings:
    return TenantSettings(
        account_sid="AC" + "1" * 32, auth_tokens=[SecretStr("t")], contact_secret=SecretStr("s"), **other
    )


def test_a_command_that_comes_before_its_tenant_is_taken_when_that_comes() -> None:
    desk = Desk()
    assert desk.produce() == []
    assert desk.row is not None
    [waiting] = desk.row.commands
    # Nothing waits behind it.
    desk.set(acme=tenant())
    assert [one.command_id for one in desk.produce()] == ["c2"]
    [taken] = desk.wait(LOOK_S)
    assert (taken.command_id, taken.accepted_at, taken.sequence) == ("c1", waiting.at, waiting.offset)
    assert desk.row is None


def test_what_it_waits_for_is_told_at_once_and_not_for_each(caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk()
    desk.produce()
    desk.produce()
    [told] = caplog.messages
    assert told.startswith("command 'c1' of tenant acme waits: no such tenant is in the settings: add it, or correct")
    caplog.clear()
    desk = Desk()
    desk.set(acme=Refused("its secret is missing"))
    desk.produce()
    assert "is in the settings and cannot be used yet: /readyz says why" in caplog.text
    caplog.clear()
    desk = Desk()
    desk.set(acme=tenant())
    desk.produce(sign=("acme/2026-11", SECRET))
    assert "add it to producer_keys" in caplog.text


def test_it_is_refused_once_patience_is_over_and_not_before() -> None:
    desk = Desk()
    desk.produce()
    for _ in range(int(PATIENCE_S / LOOK_S) - 1):
        assert desk.wait(LOOK_S) == []
    [result] = desk.wait(LOOK_S)
    assert (result.step, result.terminal, result.command_id) == ("rejected", True, "c1")
    assert "no tenant 'acme' is configured" in result.reason
    assert desk.row is None


def test_one_with_a_file_that_cannot_be_used_yet_waits_longer() -> None:
    desk = Desk()
    desk.set(acme=Refused("its secret is missing"))
    desk.produce()
    assert desk.wait(3600) == []
    desk.set(acme=tenant())
    assert [type(one) for one in desk.wait(LOOK_S)] == [CommandAccepted]


def test_what_is_wrong_for_every_tenant_is_refused_at_once() -> None:
    desk = Desk()
    for [result] in (desk.produce(tenant="No Tenant"), desk.produce(boddy="x"), desk.produce(tenant="")):
        assert isinstance(result, CommandResult)
        assert result.step == "rejected"
    assert desk.row is None


def test_a_row_is_bounded_and_a_flood_takes_nothing_from_a_known_tenant() -> None:
    desk = Desk()
    desk.set(acme=tenant())
    refused = sum(len(desk.produce(tenant=f"flood-{number}")) for number in range(MOST + 50))
    assert refused == 50
    assert isinstance(desk.produce()[0], CommandAccepted)
    large = Desk()
    count = 0
    while not large.produce(tenant="zeta", body="x" * 20_000):
        count += 1
    assert 0.9 * MOST_BYTES < count * 20_200 < 1.1 * MOST_BYTES
    assert len(codec.encode(large.row)) < 960 * 1024


def test_one_tenants_commands_share_a_row_and_others_lie_elsewhere() -> None:
    desk = Desk()
    desk.set(known=tenant())
    assert desk.row_of("acme") == desk.row_of("acme")
    assert len({desk.row_of(f"tenant-{number}") for number in range(200)}) == 16
    assert (desk.row_of("known"), desk.row_of("No Tenant")) == ("", "")


STEPS = st.lists(
    st.sampled_from(["come", "go", "spoil"])
    | st.tuples(st.just("produce"), st.sampled_from(["acme", "zeta", "No"]))
    | st.tuples(st.just("wait"), st.sampled_from([1.0, LOOK_S, 60.0, PATIENCE_S])),
    max_size=20,
)


@given(STEPS)
def test_each_command_is_answered_once_whatever_happens(steps: list[Any]) -> None:
    desk, produced = Desk(), 0
    for step in steps:
        match step:
            case "come":
                desk.set(acme=tenant(), zeta=tenant(state="closed"))
            case "go":
                desk.set(acme=tenant(state="closed"))
                desk.set()
            case "spoil":
                desk.set(acme=Refused("x"))
            case ("produce", name):
                desk.produce(name)
                produced += 1
            case ("wait", seconds):
                desk.wait(seconds)
    desk.set()
    desk.wait(100_000)
    assert desk.row is None
    assert sorted(one.command_id for one in desk.told) == sorted(f"c{number + 1}" for number in range(produced))


def signed(desk: Desk, key: str, secret: str = SECRET, tenant: str = "acme", **other: Any) -> list[Any]:
    return desk.produce(tenant, sign=(key, secret), **other)


def test_a_command_that_comes_before_its_key_is_taken_when_that_comes() -> None:
    """A key that rotates reaches the senders one after the other."""
    desk = Desk()
    desk.set(acme=tenant(producer_keys={"old": SecretStr(OTHER)}))
    assert signed(desk, "acme/new") == []
    assert desk.wait(LOOK_S) == []
    desk.set(acme=tenant(producer_keys={"old": SecretStr(OTHER), "new": SecretStr(SECRET)}))
    [taken] = desk.wait(LOOK_S)
    assert (type(taken), taken.command_id) == (CommandAccepted, "c1")
    # Its own clock has gone on meanwhile, and the signature is as old as it was.
    assert desk.row is None


def test_a_key_that_was_taken_off_is_refused_once_patience_is_over() -> None:
    desk = Desk()
    desk.set(acme=tenant(producer_keys={"new": SecretStr(SECRET)}))
    assert signed(desk, "acme/gone") == []
    assert desk.wait(PATIENCE_S - 1) == []
    [result] = desk.wait(LOOK_S + 1)
    assert (result.step, result.tenant) == ("rejected", "")
    assert "no key acme/gone" in result.reason


def test_both_the_tenant_and_its_key_may_be_on_their_way() -> None:
    desk = Desk()
    assert signed(desk, "acme/k") == []
    desk.set(acme=tenant(unsigned_commands="refused"))
    assert desk.wait(LOOK_S) == []
    desk.set(acme=tenant(unsigned_commands="refused", producer_keys={"k": SecretStr(SECRET)}))
    assert [type(one) for one in desk.wait(LOOK_S)] == [CommandAccepted]
    # What was produced under nobody's name is judged by what the tenant then asks for.
    later_on = Desk()
    later_on.produce()
    later_on.set(acme=tenant(unsigned_commands="refused"))
    [result] = later_on.wait(LOOK_S)
    assert (result.step, result.tenant) == ("rejected", "")


def test_what_would_be_wrong_under_any_key_waits_for_none() -> None:
    desk = Desk()
    desk.set(acme=tenant(producer_keys={"k": SecretStr(SECRET)}))
    for told in (
        signed(desk, "globex/k"),
        signed(desk, "acme/k", OTHER),
        signed(desk, "globex/k", tenant="nobody"),
        desk.produce("globex", topic="twilio.outbound.messages.t.acme.v1"),
    ):
        assert [one.step for one in told] == ["rejected"]
    assert desk.row is None
