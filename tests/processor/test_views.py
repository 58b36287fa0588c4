"""What the processor tells of a message."""

from itertools import permutations

import pytest

from services.processor import views
from tests.domain.histories import at, callback, play


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
