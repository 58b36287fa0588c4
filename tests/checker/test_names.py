"""A refusal finds its way back: product and checker, which share no code, know a record by the same name."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.checker.commands import asked, unreadable
from services.checker.facts import Facts
from services.checker.history import Entry, History
from services.contract.reading import NotACommand
from services.domain.messages.intake import Rules
from services.domain.results import CommandResult
from services.runtime.folding.fold import Record
from services.sender.intake import Intake
from tests.sender.reading import read_message

TOPIC = "twilio.outbound.messages.v1"
ODD: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text(), max_size=2)
    | st.just("x" * 200) | st.just(10**40) | st.just("half \ud83c")
)  # fmt: skip
OBJECTS = st.fixed_dictionaries({}, optional={"command_id": ODD, "tenant": ODD, "to": ODD, "body": ODD})
VALUES = OBJECTS.map(lambda found: json.dumps(found).encode()) | st.binary(max_size=40) | st.just(b"[1]")


class Everybody(dict[str, Rules]):
    """Every name is a tenant's, and of none is anything known."""

    def __contains__(self, _: object) -> bool:
        return True


def told(intake: Intake, record: Record) -> CommandResult:
    try:
        _, (result,) = intake(None, read_message(record))
    except NotACommand as error:
        (result,) = intake.refused(record, str(error))
    assert isinstance(result, CommandResult)
    return result


@given(VALUES, st.none() | st.binary(max_size=200))
def test_product_and_checker_know_a_record_by_the_same_name(value: bytes, key: bytes | None) -> None:
    record = Record(TOPIC, 0, 3, 0, key, value, [], by_broker=True)
    result = told(Intake(Everybody()), record)
    facts = Facts(History([Entry(TOPIC, 0, 3, 0, key or b"", value, ())]))
    named = [(one.tenant, one.command_id) for one in (*asked(facts), *unreadable(facts))]
    # Where parsers may differ about what it is, the checker asks nothing.
    assert named in ([], [(result.tenant, result.command_id)])
    unknown = told(Intake({}), record)
    assert (unknown.tenant, unknown.key, unknown.event_id) == ("", f"|{result.command_id}", result.event_id)
