"""A callback's key signs once each ingress must have read it, whenever the settings have it begin."""

import pytest
from pydantic import SecretStr

from services.domain.clock import later, parse
from services.domain.messages.callback import callback_query
from services.runtime.tenants.files import Found, Said
from services.runtime.tenants.live import Tenants
from services.runtime.tenants.settings import TenantSettings
from services.sender.messages import status_urls
from services.sender.messages.status_urls import StatusUrls
from tests.sender.histories import accepted, at

DAY_S = 86_400.0


def acme(**keys: float) -> TenantSettings:
    """With keys that begin so many seconds after the start."""
    return TenantSettings(
        account_sid="AC" + "a" * 32,
        auth_tokens=[SecretStr("t")],
        contact_secret=SecretStr("contacts"),
        callback_keys={parse(later(at(0), second)): SecretStr(key) for key, second in keys.items()},
    )


def signer(urls: StatusUrls, tenant: TenantSettings) -> str:
    signed = urls.of(tenant, accepted())
    return next(
        key
        for key in ("contacts", "one", "two")
        if callback_query(key.encode(), accepted().command_id, accepted().contact) in signed
    )


@pytest.mark.parametrize(
    ("began", "signers"),
    [
        # From the moment that the settings name, where that is far enough ahead.
        (700, ["one", "one", "one", "two"]),
        # Set too soon, or dated back.
        (0, ["one", "one", "two", "two"]),
        (-20 * DAY_S, ["one", "one", "two", "two"]),
        # So old that callbacks signed by its predecessor may come too late.
        (-31 * DAY_S, ["two", "two", "two", "two"]),
    ],
)
@pytest.mark.parametrize("by", ["a reload", "a start"])
def test_it_signs_once_each_ingress_must_have_read_it(
    monkeypatch: pytest.MonkeyPatch, began: float, signers: list[str], by: str
) -> None:
    clock = [later(at(0), -7200)]
    monkeypatch.setattr(status_urls, "now", lambda: clock[0])
    before, after = acme(one=-100 * DAY_S), acme(one=-100 * DAY_S, two=began)
    tenants = Tenants({"acme": before})
    urls = StatusUrls(tenants, "https://example.com")
    assert signer(urls, before) == "one"
    clock[0] = at(0)
    tenants.take(Found({"acme": Said(after)}))
    if by == "a start":
        urls = StatusUrls(Tenants({"acme": after}), "https://example.com")
    found = []
    for second in (0, 599, 601, 701):
        clock[0] = later(at(0), second)
        found.append(signer(urls, after))
    assert found == signers
