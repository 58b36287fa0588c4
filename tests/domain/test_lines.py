"""What Lookup's answers say of a line, whatever stands in them."""

import json
from typing import Any

import pytest

from services.contract import codec
from services.domain.messages.lines import NumberLookedUp, code_of, read

AT = "2026-02-21T10:00:00.000Z"


@pytest.mark.parametrize(
    ("package", "said"),
    [
        ({"type": "landline", "carrier_name": "Bell", "error_code": None}, ("landline", "Bell", None)),
        ({"type": None, "error_code": 60601}, (None, None, 60601)),
        ({"type": 5, "carrier_name": "", "error_code": True}, (None, None, None)),
        ({"error_code": 10**30}, (None, None, None)),
        ({"error_code": "60601"}, (None, None, None)),
        ({"type": "mobile", "carrier_name": "\ud83dB"}, ("mobile", "?B", None)),
        ({"type": "m" * 200}, ("m" * 100, None, None)),
        (["landline"], (None, None, None)),
        (None, (None, None, None)),
    ],
)
def test_what_is_read_can_be_told_and_is_read_again(package: Any, said: tuple[Any, ...]) -> None:
    line = read(json.loads(json.dumps({"line_type_intelligence": package})), AT)
    assert (line.type, line.carrier, line.error) == said
    fact = NumberLookedUp(event_id="e", tenant="acme", contact="acme|c", at=AT, line=line)
    assert codec.decode(codec.encode(fact), NumberLookedUp) == fact


def test_a_code_is_a_number_of_an_error() -> None:
    assert [code_of(one) for one in (20404, 0, -1, True, 10**6, "20404", None)] == [20404, *[None] * 6]
