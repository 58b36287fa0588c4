"""A running ingress believes its tenants as they are now; it copied nothing when it started."""

from pathlib import Path
from typing import Any, cast

import pytest
from pydantic import SecretStr

from services.ingress.durable import DurableLog
from services.ingress.reasons import Rejected
from services.ingress.receiving import Kept, Webhooks
from services.ingress.webhook import Call
from services.runtime.tenants.files import Found, Refused, Said
from services.runtime.tenants.live import Tenants
from services.runtime.tenants.sections.consent import ConsentSettings
from services.runtime.tenants.settings import TenantSettings
from tests.ingress.rig import FORM, PUBLIC, Log, settings
from tests.ingress.signing import ACCOUNT, TOKEN, form, sign

HEADERS = {"Content-Type": FORM}


class Ingress:
    """An ingress of `acme`, to whom somebody writes."""

    def __init__(self, folder: Path) -> None:
        chosen = settings(folder)
        self.acme = chosen.tenants["acme"]
        self.tenants = Tenants()
        self.log = Log()
        self.webhooks = Webhooks(chosen, self.tenants, cast(DurableLog, self.log))

    def set(self, **tenants: TenantSettings | Refused) -> None:
        self.tenants.take(Found({name: Said(one) for name, one in tenants.items()}))

    def change(self, **changes: Any) -> None:
        self.set(acme=self.acme.model_copy(update=changes))

    def told(self, body: str = "Hello", token: str = TOKEN, tenant: str = "acme") -> int:
        """The status that a message's webhook gets."""
        answer = self.webhooks.receive(*self.webhook(body, token, tenant))
        return self.webhooks.acknowledge(answer).status if isinstance(answer, Kept) else answer.status

    def webhook(self, body: str = "Hello", token: str = TOKEN, tenant: str = "acme") -> tuple[Call, bytes]:
        """A message's, and its body."""
        target = f"/twilio/{tenant}/messages"
        pairs = [("AccountSid", ACCOUNT), ("From", "+14155550123"), ("To", "+14155550100"), ("Body", body)]
        pairs.append(("MessageSid", "SM" + "1" * 32))
        signed = {"X-Twilio-Signature": sign(PUBLIC + target, pairs, token)}
        return Call("POST", target, HEADERS | signed), form(pairs)


async def test_a_tenant_is_unknown_then_awaited_then_there(tmp_path: Path) -> None:
    ingress = Ingress(tmp_path)
    assert ingress.told() == 404
    ingress.set(acme=Refused("its secret is not there yet"))
    # What Twilio may try again: it is known that there is such a tenant.
    assert [ingress.told(), ingress.told(tenant="another")] == [503, 404]
    ingress.set(acme=ingress.acme)
    assert ingress.told() == 200
    ingress.set(acme=Refused("its file was spoilt"))
    assert ingress.told() == 200


async def test_one_that_is_refused_while_a_body_comes_is_not_heard(tmp_path: Path) -> None:
    ingress = Ingress(tmp_path)
    ingress.change()
    call, body = ingress.webhook("STOP")
    opened = ingress.webhooks.open(call)
    ingress.tenants.refuse("acme")
    with pytest.raises(Rejected, match="awaited"):
        ingress.webhooks.keep(opened, body)
    assert not ingress.log.facts


async def test_a_closed_tenant_is_listened_to_and_a_removed_one_is_not(tmp_path: Path) -> None:
    ingress = Ingress(tmp_path)
    ingress.change(state="closed")
    assert [ingress.told("STOP"), len(ingress.log.facts)] == [200, 1]
    ingress.set()
    assert [ingress.told(), len(ingress.log.facts)] == [404, 1]


async def test_a_token_rotates_without_one_refusal(tmp_path: Path) -> None:
    ingress = Ingress(tmp_path)
    old, new = SecretStr("old"), SecretStr("new")
    for believed, signed in [([old], "old"), ([new, old], "old"), ([new, old], "new"), ([new], "new")]:
        ingress.change(auth_tokens=believed)
        assert ingress.told(token=signed) == 200
    assert ingress.told(token="old") == 403


async def test_a_word_counts_from_when_it_is_in_the_file(tmp_path: Path) -> None:
    ingress = Ingress(tmp_path)
    for words in ([], ["basta"], []):
        ingress.change(consent=ConsentSettings(stop_words=words))
        ingress.told("basta")
    said = [b'"stop"' in fact.value for fact in ingress.log.facts]
    assert said == [False, True, False]
