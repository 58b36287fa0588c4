"""Routes that cannot be meant: a person's STOP must reach every sender that they may get."""

from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from services.runtime.tenants.settings import TenantSettings

POOL = {"pool": {"+14155550100": 1, "+14155550101": 1}}
ONE = {"pool": {"+14155550100": 1}}


def tenant(*routes: dict[str, Any], **more: Any) -> TenantSettings:
    return TenantSettings(
        account_sid="AC" + "a" * 32,
        auth_tokens=[SecretStr("t")],
        contact_secret=SecretStr("s"),
        **{"routing": {"routes": list(routes)}, **more},
    )


@pytest.mark.parametrize(
    ("routes", "more", "said"),
    [
        ([POOL], {}, "a STOP to one must stop all"),
        (
            [POOL],
            {"consent": {"stop_reaches": "tenant", "regions": {"DE": {"stop_reaches": "sender"}}}},
            "must stop all",
        ),
        ([ONE], {"allowed_senders": ["+14155550199"]}, "not in allowed_senders"),
        ([{"pool": {}}], {}, "at least 1"),
        ([{"pool": {"+14155550100": 0}}], {}, "greater than 0"),
        ([{"pool": {"nobody@": 1}}], {}, "neither a number"),
    ],
)
def test_routes_that_cannot_be_meant(routes: list[dict[str, Any]], more: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        tenant(*routes, **more)


@pytest.mark.parametrize(
    ("routes", "more"),
    [
        ([ONE], {}),
        ([POOL], {"consent": {"stop_reaches": "tenant"}}),
        ([ONE], {"allowed_senders": ["+14155550100"]}),
        # The same number sends by WhatsApp too.
        ([ONE], {"allowed_senders": ["whatsapp:+14155550100"]}),
    ],
)
def test_routes_that_can(routes: list[dict[str, Any]], more: dict[str, Any]) -> None:
    assert len(tenant(*routes, **more).routing.routes) == 1
