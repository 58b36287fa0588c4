"""Marketing that waits for a decision is judged again with the next word, and with no other change."""

from typing import Any, cast

import pytest

from services.domain.consent import holds
from services.domain.consent.standing import Standing
from services.domain.consent.version import version
from services.domain.gate.conditions import suspected_of
from services.domain.messages.consent import Suppressing
from services.runtime.folding.flush import Changed
from services.runtime.folding.partition import Partition
from services.sender.tables import SUPPRESSION
from services.sender.undecided import held_by_suspicion
from tests.domain.suppression_oracle import CONTACT, at, history, stated, wrote


class Rows:
    """A partition that holds one row."""

    def __init__(self, row: Standing | None) -> None:
        self._row = row

    def read(self, key: str, table: str) -> Standing | None:
        return self._row if (key, table) == (CONTACT, SUPPRESSION) else None


class Of:
    """The settings of a tenant, as far as they are looked at."""

    def __init__(self, suspected: str) -> None:
        self.suspected = suspected
        self.consent = self


def row(*more: Any) -> Standing | None:
    said = wrote("please stop texting me", 0, "SM1")
    return cast(Standing | None, history(Suppressing({}), [said, *more])[0])


CONDITION = suspected_of(CONTACT, version(row()))


def stands(state: Standing | None, suspected: str = "defer_marketing") -> bool:
    kind = held_by_suspicion(cast(Any, {"acme": Of(suspected)}))
    return kind.stands(cast(Partition, Rows(state)), CONDITION)


def touched(was: Standing | None, is_: Standing | None) -> list[str]:
    kind = held_by_suspicion(cast(Any, {"acme": Of("defer_marketing")}))
    return list(kind.touched(Changed({SUPPRESSION: {CONTACT: is_}}, {SUPPRESSION: {CONTACT: was}})))


@pytest.mark.parametrize(
    ("more", "again"),
    [
        ([], False),
        ([wrote("please stop texting me", 0, "SM1")], False),
        ([wrote("thank you", 5, "SM2")], False),
        ([holds.place("twilio.inbound.v1/3@17", CONTACT, at(5), "switchboard-sender")], False),
        ([stated("dismiss", 5, message_sid="SM1")], True),
        ([stated("opt_out", 5)], True),
        ([wrote("STOP", 5, "SM2")], True),
        ([wrote("START", 61, "SM2", to="+14155550199")], True),
        ([wrote("stop it", 5, "SM2")], True),
    ],
)
def test_the_next_word_is_looked_at(more: list[Any], again: bool) -> None:
    assert stands(row(*more)) is not again
    assert touched(row(), row(*more)) == ([CONDITION] if again else [])


def test_where_nothing_was_suspected_nothing_is_looked_at() -> None:
    stopped = history(Suppressing({}), [wrote("STOP")])[0]
    assert touched(None, row()) == touched(stopped, None) == []


def test_where_the_tenant_no_longer_defers_it_holds_nothing() -> None:
    assert not stands(row(), "note")
    assert not stands(None)


def test_the_same_words_in_another_order_are_the_same() -> None:
    words = [wrote("please stop texting me", 0, "SM1"), wrote("START", 61, "SM2"), stated("opt_out", 99)]
    fold = Suppressing({})
    assert version(history(fold, words)[0]) == version(history(fold, words[::-1])[0]) != version(row()) != ""
    assert version(None) == version(Standing(tenant="acme", contact=CONTACT)) == ""
