"""What each table's index says of known rows, by version: workers with a store of that version go on from it.

Whoever has it say something else raises `Table.index`, and adds the new entries here under the new version.
"""

from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs

from services.contract.fold import MEDIA_APP, POLLER_APP, PROCESSOR_APPS, SENDER_APP
from services.domain.consent.commands import Mark
from services.domain.consent.standing import Standing
from services.domain.messages.copies import Copies, Medium
from services.domain.messages.costs import Bill
from services.domain.messages.deliverability import Counts
from services.domain.messages.introduced import Introduced
from services.domain.messages.lines import Asked
from services.domain.messages.number import Number
from services.domain.messages.silent import Silent
from services.domain.messages.tickets import Ticket
from services.domain.messages.timeline import Timeline
from services.domain.messages.windows import Refusal, Sessions, Window
from services.domain.outbox.entry import row_key
from services.domain.outbox.facts import Unknown
from services.domain.outbox.pauses import Pause, Pauses
from services.domain.outbox.verdicts import Verdict, early
from services.domain.reachability import Failure
from services.domain.results import CommandResult
from services.domain.rules.commanded import Commanded
from services.domain.spend.budgets import Spent
from services.domain.studio.executions import Execution
from services.domain.studio.experiments import Exposures
from services.domain.studio.stopping import InFlows, Walking
from services.domain.studio.watching import Watch
from services.runtime.folding import index
from services.runtime.folding.fold import Table
from services.sender.parking import Parked
from services.sender.products import COMMANDS
from tests.contract.test_topics_registry import FOLDS
from tests.domain.test_tickets import HEARD
from tests.sender.histories import (
    accepted,
    attempted,
    attempting,
    created,
    history,
    judged,
    refused,
    released,
)

T = "2026-02-21T18:22:11.123Z"
LATER = "2026-02-21T18:22:30.000Z"


def entry(*events: Any) -> tuple[str, Any]:
    row, _ = history(events)
    assert row is not None
    return row_key(row), row


HELD = Verdict("deferred", "pause", "paused", "resume it", condition="pause label acme night")
STEP = CommandResult(
    event_id="e1", tenant="acme", command_id="c1", contact="acme|c", at=T, step="ambiguous", terminal=False
)
UNDATED = Standing(
    tenant="acme",
    contact="acme|c",
    outs={"sender:+14155550100": {"SM" + "1" * 32: Mark(at=T, evidence="e1", source="inbound")}},
    ins={"sender:+14155550100": {"SM" + "2" * 32: Mark(at=LATER, evidence="e2", source="inbound", releases=True)}},
)
SESSIONS = Sessions(
    tenant="acme",
    contact="acme|c",
    windows={"whatsapp:+14155550100": Window(until=T, message_sid="SM1")},
    refusals={"SM2": Refusal(at=LATER, names=("whatsapp:+14155550100",))},
)
NUMBER = Number(
    tenant="acme",
    contact="acme|c",
    failures={"SM1 away": Failure(at=T, channel="sms", code=30003, message_sid="SM1")},
    arrived={"whatsapp": LATER},
)
COUNTS = Counts(tenant="acme", minute=T, country="US", carrier="", channel="sms", sender="+14155550100", part=0)
WAITED_FOR = Silent(
    tenant="acme", message_sid="SM1", account_sid="AC1", status="sent", since=T, heard_at=T, from_="+14155550100"
)

BY_ANN = Pause(scope="tenant acme", at=T, by="ann")
PAUSED: list[tuple[str, Any, list[str]]] = [
    ("pauses", Pauses(standing={BY_ANN.scope: BY_ANN}), []),
    ("pauses", Pauses(standing={"sender acme x": structs.replace(BY_ANN, until=LATER)}), [f"due {LATER} "]),
]

# By app, table and version: a row's key, the row, and its entries without `INDEX` and key.
PINNED: dict[tuple[str, str, int], list[tuple[str, Any, list[str]]]] = {
    (SENDER_APP, "outbox", 4): [
        (
            *entry(accepted()),
            [
                "due 2026-02-21T18:50:00.001Z ",
                "listed lane acme\nmessage\n+14155550100\n\nusual 2026-02-21T18:00:00.000Z 00000000000000000000\x00",
                "listed order acme|c0ffee usual 2026-02-21T18:00:00.000Z 00000000000000000000\x00",
            ],
        ),
        (
            *entry(accepted(urgent=True, sequence=7)),
            [
                "due 2026-02-21T18:50:00.001Z ",
                "listed lane acme\nmessage\n+14155550100\n\nurgent 2026-02-21T18:00:00.000Z 00000000000000000007\x00",
                "listed order acme|c0ffee urgent 2026-02-21T18:00:00.000Z 00000000000000000007\x00",
            ],
        ),
        (
            *entry(accepted(), judged(early("2026-02-21T19:00:00.000Z"))),
            ["due 2026-02-21T18:50:00.001Z ", "listed waits time\n2026-02-21T19:00:00.000Z\x00"],
        ),
        (
            *entry(accepted(), judged(HELD)),
            ["due 2026-02-21T18:50:00.001Z ", "listed waits pause label acme night\n\x00"],
        ),
        (
            *entry(accepted(), judged(HELD), released(HELD.condition or "")),
            [
                "due 2026-02-21T18:50:00.001Z ",
                "listed lane acme\nmessage\n+14155550100\n\nusual 2026-02-21T18:00:08.000Z 00000000000000000000\x00",
                "listed order acme|c0ffee usual 2026-02-21T18:00:00.000Z 00000000000000000000\x00",
            ],
        ),
        (
            *entry(accepted(), attempting(1)),
            ["listed doubt\x00", "listed order acme|c0ffee usual 2026-02-21T18:00:00.000Z 00000000000000000000\x00"],
        ),
        (
            *entry(accepted(), attempting(1), attempted(1, Unknown(reason="timeout"))),
            ["listed doubt\x00", "listed order acme|c0ffee usual 2026-02-21T18:00:00.000Z 00000000000000000000\x00"],
        ),
        (*entry(accepted(), attempting(1), attempted(1, refused())), ["due 2026-03-23T18:00:02.000Z "]),
        (*entry(accepted(), attempting(1), attempted(1, created())), ["due 2026-03-23T18:00:02.000Z "]),
    ],
    (POLLER_APP, "tickets", 1): [
        (
            "e",
            Ticket(tenant="acme", since=T, desk="desk", again_at=T, heard=HEARD),
            ["due 2026-03-24T18:22:11.123Z ", "listed acme desk 2026-02-21T18:22:11.123Z\x00"],
        )
    ],
    (POLLER_APP, "rulecommands", 1): [
        (
            "acme|c rule",
            Commanded(tenant="acme", rule="rule", taken={"e": T}, waiting={"e": structs.replace(HEARD, received_at=T)}),
            ["due 2026-02-23T18:22:11.123Z ", "listed open 2026-02-21T18:22:11.123Z\x00"],
        ),
        ("acme|d rule", Commanded(tenant="acme", rule="rule", taken={"e": T}), ["due 2026-02-23T18:22:11.123Z "]),
    ],
    (SENDER_APP, "lookedup", 1): [("acme 2026-02-21", Asked(until=T), ["due 2026-02-21T18:22:11.123Z "])],
    (SENDER_APP, "spent", 1): [("acme 2026-02-21", Spent(until=T, amounts={}), ["due 2026-02-21T18:22:11.123Z "])],
    (SENDER_APP, "suppression", 1): [
        ("acme|c", UNDATED, ["listed undated\x00"]),
        ("acme|d", Standing(tenant="acme", contact="acme|d"), []),
    ],
    (SENDER_APP, "sessions", 1): [("acme|c", SESSIONS, ["due 2026-02-21T17:22:11.123Z "])],
    (SENDER_APP, "pauses", 1): PAUSED,
    (SENDER_APP, "numbers", 1): [("acme|c", NUMBER, ["due 2026-03-25T00:00:00.000Z "])],
    **{
        (SENDER_APP, commands.parked, 1): [
            ("parked 07", Parked(look_at=T, commands=[]), ["due 2026-02-21T18:22:11.123Z "])
        ]
        for commands in COMMANDS
    },
    (PROCESSOR_APPS["messages"], "deliverability", 1): [("k", COUNTS, ["due 2026-03-24T18:22:11.123Z "])],
    (PROCESSOR_APPS["commands"], "commands", 1): [
        ("acme|c1", Timeline(tenant="acme", command_id="c1", steps={"e1": STEP}), ["listed ambiguous\x00"])
    ],
    (PROCESSOR_APPS["messages"], "sessions", 1): [("acme|c", SESSIONS, ["due 2026-02-21T17:22:11.123Z "])],
    (PROCESSOR_APPS["messages"], "pauses", 1): PAUSED,
    (PROCESSOR_APPS["messages"], "numbers", 1): [("acme|c", NUMBER, ["due 2026-03-25T00:00:00.000Z "])],
    (PROCESSOR_APPS["commands"], "executions", 1): [
        ("FN1 acme", Execution(tenant="acme", execution_sid="FN1", heard_at=T), ["due 2026-04-23T18:22:11.123Z "])
    ],
}
_WALKING = Walking(account_sid="AC1", flow_sid="FW1", started_at=T, by_person=False, over=False)
PINNED[SENDER_APP, "inflows", 1] = [
    (
        "acme|c",
        InFlows(tenant="acme", contact="acme|c", heard_at=T, executions={"FN1": _WALKING}),
        ["due 2026-03-24T18:22:11.123Z ", "listed open\x00"],
    ),
    (
        "acme|c",
        InFlows(tenant="acme", contact="acme|c", heard_at=T, executions={"FN1": structs.replace(_WALKING, over=True)}),
        ["due 2026-03-24T18:22:11.123Z "],
    ),
]
PINNED[SENDER_APP, "exposures", 1] = [
    ("acme|c", Exposures(contact="acme|c", arms={"spring": {"a": T}}), ["due 2027-03-28T18:22:11.123Z "])
]
PINNED[SENDER_APP, "introduced", 1] = [
    ("acme|c", Introduced(contact="acme|c", by={"MG1": T, "MG2": LATER}), ["due 2027-03-28T18:22:11.123Z "])
]
BILL = Bill(tenant="acme", message_sid="SM1", account_sid="AC1", since=T, heard_at=T)
PINNED[POLLER_APP, "costs", 1] = [
    ("SM1 acme", BILL, ["due 2026-03-25T18:22:11.123Z ", f"listed acme AC1 open {T}\x00"]),
    (
        "SM2 acme",
        structs.replace(BILL, ended=True),
        ["due 2026-03-25T18:22:11.123Z ", f"listed acme AC1 ended {T}\x00"],
    ),
    (
        "SM3 acme",
        structs.replace(BILL, ended=True, looks=1, again_at=LATER),
        ["due 2026-03-25T18:22:11.123Z ", f"listed acme AC1 again {LATER}\x00"],
    ),
    ("SM4 acme", structs.replace(BILL, told=True), ["due 2026-03-25T18:22:11.123Z "]),
]
COPIES = Copies(
    tenant="acme",
    contact="acme|c0ffee",
    account_sid="AC1",
    message_sid="MM1",
    received_at=T,
    media=(Medium("https://api.twilio.com/"),),
    again_at=T,
)
PINNED[MEDIA_APP, "copies", 1] = [
    ("MM1 acme", COPIES, ["due 2026-03-24T18:22:11.123Z ", f"listed open {T}\x00"]),
    (
        "MM1 acme",
        structs.replace(COPIES, media=(Medium("https://api.twilio.com/", end="gone"),)),
        ["due 2026-03-24T18:22:11.123Z "],
    ),
]
PINNED[POLLER_APP, "silent", 2] = [
    (
        "SM1 acme",
        WAITED_FOR,
        ["due 2026-03-01T18:22:11.123Z ", f"listed acme {WAITED_FOR.account_sid} new sms {T}\x00"],
    ),
    (
        "SM1 acme",
        structs.replace(WAITED_FOR, from_="viber:x"),
        ["due 2026-03-01T18:22:11.123Z ", f"listed acme {WAITED_FOR.account_sid} new other {T}\x00"],
    ),
    (
        "SM1 acme",
        structs.replace(WAITED_FOR, looks=1, again_at=LATER),
        ["due 2026-03-01T18:22:11.123Z ", f"listed acme {WAITED_FOR.account_sid} again {LATER}\x00"],
    ),
    ("SM1 acme", structs.replace(WAITED_FOR, looks=7), ["due 2026-03-01T18:22:11.123Z "]),
    ("SM1 acme", structs.replace(WAITED_FOR, status="scheduled"), ["due 2026-03-29T18:22:11.123Z "]),
    ("SM1 acme", structs.replace(WAITED_FOR, status="delivered"), ["due 2026-02-22T18:22:11.123Z "]),
]
PINNED[POLLER_APP, "watched", 2] = [
    (
        "FW1 acme",
        Watch(tenant="acme", account_sid="AC1", flow_sid="FW1", told_at=T, again_at=T),
        ["listed acme AC1 2026-02-21T18:22:11.123Z\x00"],
    ),
    (
        "FW1 acme",
        Watch(tenant="acme", account_sid="AC1", flow_sid="FW1", told_at=T, watched=False),
        ["due 2026-02-22T18:22:11.123Z "],
    ),
    (
        "FN1 acme",
        Watch(tenant="acme", account_sid="AC1", flow_sid="FW1", execution_sid="FN1", told_at=T, again_at=T),
        ["due 2026-03-24T18:22:11.123Z ", "listed acme AC1 2026-02-21T18:22:11.123Z\x00"],
    ),
]
TABLES: dict[tuple[str, str, int], Table] = {
    (app, table.name, table.index): table for app, fold in FOLDS for table in fold.tables if index.is_indexed(table)
}


def test_every_index_is_pinned_under_its_version() -> None:
    assert sorted(PINNED) == sorted(TABLES)


@pytest.mark.parametrize("name", sorted(PINNED), ids=str)
def test_an_index_says_what_its_version_says(name: tuple[str, str, int]) -> None:
    for key, row, entries in PINNED[name]:
        found = sorted(
            one.removeprefix(index.INDEX).removesuffix(key.encode()).decode()
            for one in index.entries(TABLES[name], key, row)
        )
        assert found == entries, "say `index=…` with a higher version in the table, and pin it here"


def test_how_entries_are_written_has_a_version_too() -> None:
    assert {index.version(table) for table in TABLES.values()} == {b"1.1", b"1.2", b"1.4"}


# As the release before this one wrote them: they name no product, and order by contact alone.
BEFORE = (
    b'{"tenant":"acme","command_id":"c1","contact":"acme|c","fingerprint":"f","state":"ambiguous","command":null,'
    b'"attempt":1,"ambiguous_at":"2026-02-21T18:22:11.123Z"}',
    b'{"tenant":"acme","command_id":"c1","contact":"acme|c","fingerprint":"f","state":"settled","command":null,'
    b'"message_sid":"SM1","forget_at":"2026-03-23T18:00:02.000Z"}',
)


@pytest.mark.parametrize("row", BEFORE)
def test_a_row_of_an_outbox_before_products_is_not_taken_for_one_of_now(row: bytes) -> None:
    """An index of another version is derived anew, of all rows; one that cannot be read stops the worker."""
    outbox = TABLES[SENDER_APP, "outbox", 4]
    [entry] = index.entries_of(outbox, b"acme|c c1", row)
    assert entry.startswith(index.INDEX + b"unreadable ")
    assert index.version(outbox) != index.version(replace(outbox, index=1))
