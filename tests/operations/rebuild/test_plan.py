"""From what each table is rebuilt: it follows from what its step takes, and these are what it has to come to."""

import pytest

from services.operations.rebuild.errors import RebuildError
from services.operations.rebuild.plan import Service, plan
from services.processor.topology import topology
from services.runtime.config import Settings
from services.runtime.folding.fold import Fold
from services.runtime.tenants.live import Tenants
from services.sender.products import COMMANDS
from services.sender.topology import folds

LIVE: dict[Service, tuple[Fold, ...]] = {
    "processor": topology(Settings(), {}),
    "sender": folds(Settings(), Tenants()),
}
PEOPLE = {"twilio.inbound.v1", "twilio.outbound.accepted.v1", "twilio.outcomes.v1"}


@pytest.mark.parametrize(
    ("service", "table", "phases"),
    [
        ("processor", "delivery", [{"twilio.status.v1", "twilio.sent.v1"}]),
        # The steps that were counted, as they were told: their order in the raw topics is not kept.
        ("processor", "deliverability", [{"twilio.delivery.v1"}]),
        ("processor", "sendersbystatus", [{"twilio.status.v1"}]),
        ("processor", "sendersbyinbound", [{"twilio.inbound.v1"}]),
        ("processor", "commands", [{"twilio.outbound.results.v1"}]),
        ("processor", "suppression", [{"twilio.consent.v1"}, PEOPLE]),
        ("processor", "sessions", [{"twilio.inbound.v1", "twilio.outcomes.v1"}]),
        ("processor", "numbers", [PEOPLE]),
        ("processor", "recent", [PEOPLE]),
        ("sender", "suppression", [{"twilio.consent.v1"}, PEOPLE]),
        ("sender", "sessions", [{"twilio.inbound.v1", "twilio.outcomes.v1"}]),
        ("sender", "numbers", [PEOPLE]),
    ],
)
def test_a_table_is_rebuilt_from_what_its_step_takes(service: Service, table: str, phases: list[set[str]]) -> None:
    found = plan(LIVE[service], table, service).phases
    assert [{topic.name for topic in phase} for phase in found] == phases


@pytest.mark.parametrize("service", ["processor", "sender"])
def test_what_other_tables_tell_a_table_is_not_taken_for_a_row_too_many(service: Service) -> None:
    alone = {table: plan(LIVE[service], table, service).alone for table in ("suppression", "sessions", "numbers")}
    assert alone == {"suppression": True, "sessions": True, "numbers": False}


KEPT_APART = {
    "outbox",
    "spent",
    "lookedup",
    "introduced",
    "pauses",
    "suspensions",
    *(commands.parked for commands in COMMANDS),
}
TABLES = [(service, table.name) for service, live in LIVE.items() for fold in live for table in fold.tables]


@pytest.mark.parametrize(("service", "table"), TABLES)
def test_every_table_is_rebuilt_or_says_why_not(service: Service, table: str) -> None:
    if table in KEPT_APART:
        with pytest.raises(RebuildError, match=r"\w+ \w+ \w+"):
            plan(LIVE[service], table, service)
    else:
        assert all(plan(LIVE[service], table, service).phases)
