"""The outbox with products of its own making, of which it knows nothing."""

from collections.abc import Iterable
from typing import Any

import msgspec
import pytest

from services.contract import codec
from services.domain.due import Due
from services.domain.outbox.accepted import CancelAccepted
from services.domain.outbox.effects import Effects, Heard
from services.domain.outbox.entry import End, Entry, row_key
from services.domain.outbox.facts import Attempted, Attempting, Created, Refused, Settled, Unknown
from services.domain.outbox.fold import Outbox
from services.domain.outbox.lists import lists
from services.domain.outbox.steps import Step
from tests.sender.histories import at


class _Command(msgspec.Struct, frozen=True, kw_only=True):
    event_id: str = "e1"
    tenant: str = "acme"
    command_id: str = "c1"
    room: str = "room-7"
    accepted_at: str = at(0)
    sequence: int = 0
    fingerprint: str = "f1"
    not_before: str | None = None
    not_after: str = at(3000)
    urgent: bool = False
    towards: str = ""
    sender: str = "bell"
    label: str | None = None

    @property
    def order_key(self) -> str:
        return self.room


class Ring(_Command, frozen=True, kw_only=True, tag="ring"):
    """Ring a bell in a room."""

    @property
    def kind(self) -> str:
        return "ring"


class Light(_Command, frozen=True, kw_only=True, tag="light"):
    """Switch a light on."""

    @property
    def kind(self) -> str:
        return "light"


class Rang(Created, frozen=True, kw_only=True):
    loudness: int


class Echo(msgspec.Struct, frozen=True, kw_only=True):
    """The room says that it rang."""

    order_key: str = "room-7"
    command_id: str = "c1"
    sid: str = "RG1"
    status: str = "faded"


class Told(msgspec.Struct, frozen=True):
    """A product's own words; `by`: whose."""

    by: str
    name: str
    sid: str | None = None
    status: str | None = None


def effects(kind: str, command: type, **other: Any) -> Effects:
    fields: dict[str, Any] = {
        "result": lambda step: told(kind, step),
        "created": lambda entry, created, _at, _source: (Told(kind, f"{entry.order_key} heard {created.loudness}"),),
        "refused": lambda _entry, refused, _at, _source: (Told(kind, f"refused {refused.code}"),),
        "ended": "echo",
        "overrules": lambda told, known: known is None or told.status > known.status,
    }
    return Effects(kind=kind, command=command, **fields | other)


def told(by: str, step: Step) -> Told:
    return Told(by, step.name, step.sid, step.status)


def echoed(echo: Echo) -> Heard:
    created = Rang(sid=echo.sid, loudness=1)
    return Heard(f"echo {echo.status}", at(9), created, "an echo", End(echo.sid, echo.status))


RING = effects("ring", Ring, heard={Echo: echoed})
LIGHT = effects("light", Light)
OUTBOX = Outbox((RING, LIGHT), lambda step: told("nobody", step))
NAMES = {"order_key": "room-7", "command_id": "c1"}
BEGUN = Attempting(**NAMES, at=at(1), attempt=1, deadline=at(6))
CANCEL = CancelAccepted(event_id="x1", tenant="acme", command_id="c1", contact="room-7", accepted_at=at(1.5), by="ann")


def ended(outcome: Created | Refused | Unknown, attempt: int = 1) -> Attempted:
    return Attempted(**NAMES, at=at(2), attempt=attempt, outcome=outcome)


def history(*events: Any) -> tuple[Entry | None, list[Any]]:
    entry, all_told = None, []
    for event in events:
        entry, now_told = OUTBOX.fold(entry, event)
        all_told += now_told
    return entry, all_told


def names(all_told: Iterable[Told]) -> list[str]:
    return [f"{one.by}: {one.name}" for one in all_told]


def test_each_product_tells_its_steps_and_what_follows_in_its_own_words() -> None:
    entry, all_told = history(Ring(), BEGUN, ended(Rang(sid="RG1", loudness=9)), Echo())
    assert names(all_told) == ["ring: accepted", "ring: attempted", "ring: sent", "ring: room-7 heard 9", "ring: echo"]
    assert (all_told[2].sid, all_told[-1].status) == ("RG1", "faded")
    assert entry is not None
    assert (entry.kind, entry.state, entry.end, entry.last_step) == ("ring", "settled", End("RG1", "faded"), "sent")
    assert names(history(Light(), BEGUN, ended(Refused(code=21211, reason="no")))[1])[2:] == [
        "light: failed",
        "light: refused 21211",
    ]


def test_the_order_is_that_of_the_key_which_the_product_names() -> None:
    entry, _ = history(Ring(room="room-8"))
    assert entry is not None
    assert row_key(entry) == row_key(Attempting(**NAMES | {"order_key": "room-8"}, at="", attempt=1, deadline=""))
    assert lists(entry)[0].startswith("order room-8 usual ")


def test_an_unknown_end_is_in_doubt_until_a_fact_of_the_product_settles_it() -> None:
    events = (Ring(), BEGUN, ended(Unknown(reason="lost")))
    entry, all_told = history(*events)
    assert entry is not None
    assert (entry.state, names(all_told)[-1]) == ("ambiguous", "ring: ambiguous")
    entry, all_told = history(*events, Echo())
    assert entry is not None
    assert (entry.state, entry.sid) == ("settled", "RG1")
    assert names(all_told)[3:] == ["ring: sent", "ring: room-7 heard 1", "ring: echo"]


def test_a_fact_settles_nothing_of_another_product() -> None:
    entry, all_told = history(Light(), BEGUN)
    assert OUTBOX.fold(entry, Echo()) == (entry, [])
    assert names(all_told) == ["light: accepted", "light: attempted"]


def test_one_id_is_one_command_of_whichever_product_came_first() -> None:
    entry, all_told = history(Ring(), Light(event_id="e2", fingerprint="f2"))
    assert entry is not None
    assert (entry.kind, names(all_told)) == ("ring", ["ring: accepted", "ring: duplicate"])


def test_a_cancel_that_comes_first_names_no_product_and_ends_whichever_comes() -> None:
    entry, all_told = history(CANCEL)
    assert entry is not None
    assert (entry.kind, names(all_told)) == ("", ["nobody: cancel_remembered"])
    # Nothing but a command tells it anything.
    settled = Settled(**NAMES, at=at(2), created=Rang(sid="RG1", loudness=1), how="looking")
    assert history(CANCEL, Echo(), BEGUN, settled) == (entry, all_told)
    entry, all_told = history(CANCEL, Light())
    assert entry is not None
    assert (entry.kind, entry.state, names(all_told)[1:]) == (
        "light",
        "settled",
        ["light: accepted", "light: canceled"],
    )


@pytest.mark.parametrize("command", [Ring(), Light()])
def test_rows_of_all_products_are_read_back_as_they_were(command: Ring | Light) -> None:
    for events in ((command,), (command, BEGUN), (command, BEGUN, ended(Unknown(reason="lost"))), (CANCEL,)):
        entry, _ = history(*events)
        assert codec.decode(codec.encode(entry), OUTBOX.row) == entry


def test_it_takes_the_facts_of_all_products_and_no_others() -> None:
    assert {Ring, Light, Echo, CancelAccepted, Attempted} <= set(OUTBOX.facts)
    assert Due not in OUTBOX.facts
