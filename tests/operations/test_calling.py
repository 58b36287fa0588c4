"""Whose account is asked with which credentials."""

import pytest
from pydantic import SecretStr

from services.operations.calling import TwilioError, accounts
from services.runtime.sections.twilio import TwilioSettings

from .house import ACME, TOKEN, tenant

OWN, TOKENLESS = "AC" + "c" * 32, "AC" + "d" * 32


def test_each_is_asked_by_its_own_and_one_without_a_token_is_named() -> None:
    acme = tenant(ACME, subaccounts={OWN: [SecretStr("own")], TOKENLESS: []})
    asked = accounts("acme", acme, TwilioSettings())
    found = [next(asked), next(asked)]
    assert [(one.sid, one.client.username, one.client.password, one.main) for one in found] == [
        (ACME, ACME, TOKEN, True),
        (OWN, OWN, "own", False),
    ]
    with pytest.raises(TwilioError, match=f"acme: subaccount {TOKENLESS} has no token .* under subaccounts"):
        next(asked)
