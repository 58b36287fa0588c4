"""What the processor tells of a message."""

from itertools import permutations

import pytest

from services.processor import views
from tests.domain.histories import at, callback, play
from tests.domain.test_studio_executions import WALK
from tests.domain.test_studio_executions import told as walked


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_what_arrived_has_no_error_and_its_history_has(order: tuple[int, ...]) -> None:
    facts = [callback("sent", 1), callback("undelivered", 2, error=30008), callback("delivered", 3)]
    told = views.message([play([facts[place] for place in order])[0]], masked=True)
    assert told is not None
    assert (told["status"], told["final"]) == ("delivered", True)
    assert (told["error_code"], told["error_category"], told["remedy"]) == (None, None, None)
    assert told["steps"] == {
        "sent": {"at": at(1), "error_code": None},
        "undelivered": {"at": at(2), "error_code": 30008},
        "delivered": {"at": at(3), "error_code": None},
    }


def test_what_did_not_arrive_has_its_error() -> None:
    told = views.message([play([callback("undelivered", 2, error=30032)])[0]], masked=True)
    assert told is not None
    assert (told["error_code"], told["error_category"]) == (30032, "registration")
    assert "Verify the toll-free number" in str(told["remedy"])


def test_an_execution_is_told_to_whom_it_belongs_with_its_steps_and_a_masked_number() -> None:
    state, _ = walked(WALK)
    assert state is not None
    seen = views.execution([state], masked=True)
    assert seen is not None
    assert (seen["status"], seen["flow_version"], seen["to"]) == ("ended", 3, "+1415•••••23")
    assert len(seen["steps"]) == 4  # type: ignore[arg-type]
    assert views.execution([state], masked=False, tenant="acme") is not None
    assert views.execution([state], masked=False, tenant="globex") is None
    # Whose it is nobody knows yet.
    steps_alone, _ = walked(WALK[1:2])
    assert steps_alone is not None
    assert views.execution([steps_alone], masked=True) is None
