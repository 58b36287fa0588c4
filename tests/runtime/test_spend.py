"""What a tenant's settings may say of money: exact, with a currency and a zone, and each budget once."""

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from services.runtime.tenants.sections.spend import SpendSettings


@pytest.mark.parametrize(("written", "read"), [(250, "250"), (0.1, "0.1"), ("12.50", "12.50")])
def test_an_amount_is_read_as_it_is_written(written: object, read: str) -> None:
    found = SpendSettings.model_validate({"budgets": [{"amount": written}], "assumed": {"sms": written}})
    assert (found.budgets[0].amount, found.assumed["sms"]) == (Decimal(read), Decimal(read))


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"budgets": [{"amount": 0}]}, "greater than 0"),
        ({"budgets": [{"amount": "NaN"}]}, "finite"),
        ({"budgets": [{"amount": 1}, {"amount": 2}]}, "all: there are two"),
        ({"budgets": [{"amount": 1, "label": "two words"}]}, "pattern"),
        ({"budgets": [{"amount": 1, "label": "all"}]}, "leave label out"),
        ({"currency": "usd"}, "pattern"),
        ({"zone": "Nowhere"}, "no time zone"),
        ({"surcharges": {"USA": 1}}, "pattern"),
        ({"assumed": {"fax": 1}}, "sms"),
    ],
)
def test_what_means_nothing_is_refused(wrong: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        SpendSettings.model_validate(wrong)
