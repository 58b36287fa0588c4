"""One URL for all tenants: AccountSid says who is meant, then our own sender does; that tenant's keys are believed."""

from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from services.domain.messages.callback import callback_query
from services.ingress.durable import DurableLog
from services.ingress.reasons import Rejected
from services.ingress.receiving import Kept, Webhooks
from services.ingress.routing import Routes
from services.ingress.webhook import Call
from services.runtime.tenants.files import Found, Refused, Said
from services.runtime.tenants.live import Tenants
from services.runtime.tenants.settings import TenantSettings
from tests.ingress.rig import FORM, PUBLIC, Log, settings
from tests.ingress.signing import Pairs, form, sign, with_hash

MESSAGES, STATUS, FALLBACK = (f"/twilio/{kind}" for kind in ("messages", "status", "fallback"))
ONE, OTHER, SUB = ("AC" + digit * 32 for digit in "123")
PERSON = "+14155550123"
EAST, WEST = "+14155550100", "+14155550200"
SERVICE = "MG" + "e" * 32
_BROKEN = Refused("its secret is not there")


def tenant(account: str, name: str, *senders: str, **more: Any) -> TenantSettings:
    """Its token is its name's, and its contact secret another one's than everybody's."""
    given: dict[str, Any] = {
        "auth_tokens": [SecretStr(f"{name} token")],
        "contact_secret": SecretStr(f"{name} people"),
    }
    return TenantSettings(account_sid=account, allowed_senders=list(senders), **(given | more))


class Ingress:
    def __init__(self, folder: Path, **tenants: TenantSettings | Refused) -> None:
        self.tenants = Tenants()
        self.log = Log()
        self._webhooks = Webhooks(settings(folder), self.tenants, cast(DurableLog, self.log))
        self.set(**tenants)

    def set(self, **tenants: TenantSettings | Refused) -> None:
        self.tenants.take(Found({name: Said(one) for name, one in tenants.items()}))

    def call(self, target: str, signature: str, body: bytes, method: str = "POST", content_type: str = FORM) -> int:
        headers = {"Content-Type": content_type, "X-Twilio-Signature": signature}
        answer = self._webhooks.receive(Call(method, target, headers), body)
        return self._webhooks.acknowledge(answer).status if isinstance(answer, Kept) else answer.status

    def post(self, target: str, pairs: Pairs, token: str) -> int:
        return self.call(target, sign(PUBLIC + target, pairs, token), form(pairs))

    def whose(self) -> list[str]:
        """The tenants of all facts so far, in order."""
        return [msgspec.json.decode(fact.value)["tenant"] for fact in self.log.facts]


def message(account: str = ONE, to: str = EAST, **more: str) -> Pairs:
    told = {"AccountSid": account, "From": PERSON, "To": to, "Body": "Hello", "MessageSid": "SM" + "1" * 32}
    return [*(told | more).items()]


def status(account: str = ONE, sender: str = EAST, **more: str) -> Pairs:
    told = {"AccountSid": account, "From": sender, "To": PERSON, "MessageStatus": "sent", "MessageSid": "SM" + "1" * 32}
    return [*(told | more).items()]


async def test_by_the_account_however_it_comes(tmp_path: Path) -> None:
    ingress = Ingress(tmp_path, acme=tenant(ONE, "acme"), globex=tenant(OTHER, "globex"))
    said = form(message(OTHER)).decode()
    document = msgspec.json.encode(dict(message(OTHER)))
    signed = with_hash(MESSAGES, document)
    answers = [
        ingress.post(MESSAGES, message(), "acme token"),
        ingress.post(MESSAGES, message(OTHER), "globex token"),
        ingress.post(FALLBACK, [*message(OTHER), ("ErrorCode", "11200")], "globex token"),
        ingress.post(STATUS, status(OTHER), "globex token"),
        ingress.call(f"{MESSAGES}?{said}", sign(f"{PUBLIC}{MESSAGES}?{said}", (), "globex token"), b"", "GET"),
        ingress.call(signed, sign(PUBLIC + signed, (), "globex token"), document, content_type="application/json"),
    ]
    assert answers == [200, 200, 200, 204, 200, 200]
    assert ingress.whose() == ["acme", *["globex"] * 5]
    # To which of them it belongs says who may have signed it.
    assert ingress.post(MESSAGES, message(), "globex token") == 403


@pytest.mark.parametrize(
    "pairs",
    [
        message("AC" + "9" * 32),
        message(""),
        [("From", PERSON)],
        [*message(ONE), ("AccountSid", OTHER)],
        [("accountsid", ONE)],
    ],
)
async def test_an_account_of_nobody_is_unknown_or_awaited(tmp_path: Path, pairs: Pairs) -> None:
    ingress = Ingress(tmp_path, acme=tenant(ONE, "acme"), globex=tenant(OTHER, "globex"))
    assert ingress.post(MESSAGES, pairs, "acme token") == 404
    # It may be theirs whose file cannot be read: what Twilio may try again.
    ingress.set(acme=tenant(ONE, "acme"), globex=tenant(OTHER, "globex"), initech=_BROKEN)
    assert ingress.post(MESSAGES, pairs, "acme token") == 503
    assert ingress.whose() == []


async def test_while_a_tenant_is_awaited_nobody_is_given_what_may_be_its(tmp_path: Path) -> None:
    """A STOP to the sender of one whose file is broken, as ingress finds it at the start: not its neighbour's."""
    east, west = tenant(ONE, "their", EAST), tenant(ONE, "their", WEST)
    ingress = Ingress(tmp_path, east=east, west=_BROKEN)
    stop = message(to=WEST, Body="STOP")
    ours = status(sender=WEST)
    assert ingress.post(MESSAGES, stop, "their token") == 503
    assert ingress.post(STATUS, ours, "their token") == 503
    # What is surely its neighbour's is taken: by its sender, and by a callback of ours.
    assert ingress.post(MESSAGES, message(to=EAST), "their token") == 200
    signed = callback_query(b"their people", "order-17", "east|0123")
    assert ingress.post(f"{STATUS}?{signed}", ours, "their token") == 204
    # And whatever comes by a tenant's own URL.
    assert ingress.post("/twilio/east/messages", stop, "their token") == 200
    ingress.set(east=east, west=west)
    assert ingress.post(MESSAGES, stop, "their token") == 200
    # Known once, its broken file changes nothing.
    ingress.set(east=east, west=_BROKEN)
    assert ingress.post(MESSAGES, stop, "their token") == 200
    assert ingress.whose() == ["east", "east", "east", "west", "west"]


async def test_an_awaited_tenant_whose_file_names_its_account_costs_other_accounts_nothing(tmp_path: Path) -> None:
    broken = Refused("west.yaml: auth_tokens: no such file", frozenset({ONE}))
    ingress = Ingress(tmp_path, east=tenant(ONE, "their"), globex=tenant(OTHER, "globex"), west=broken)
    assert ingress.post(MESSAGES, message(OTHER), "globex token") == 200
    assert ingress.post(MESSAGES, message(ONE), "their token") == 503
    assert ingress.whose() == ["globex"]


async def test_while_a_tenant_is_awaited_the_one_that_lists_no_senders_is_not_guessed(tmp_path: Path) -> None:
    known = {"east": tenant(ONE, "their", EAST), "rest": tenant(ONE, "their")}
    ingress = Ingress(tmp_path, west=_BROKEN, **known)
    assert ingress.post(MESSAGES, message(to=WEST), "their token") == 503
    ingress.set(**known)
    assert ingress.post(MESSAGES, message(to=WEST), "their token") == 200
    assert ingress.whose() == ["rest"]


SHARED = {
    "east": tenant(ONE, "their", EAST, SERVICE),
    "west": tenant(ONE, "their", WEST, f"whatsapp:{EAST}"),
    "rest": tenant(ONE, "their"),
}


@pytest.mark.parametrize(
    ("target", "pairs", "whose"),
    [
        (MESSAGES, message(to=EAST), "east"),
        (MESSAGES, message(to=WEST), "west"),
        (FALLBACK, message(to=WEST), "west"),
        # One number, and by WhatsApp another tenant's.
        (MESSAGES, message(to=f"whatsapp:{EAST}"), "west"),
        (MESSAGES, message(to="+14155550300"), "rest"),
        (MESSAGES, message(to="+14155550300", MessagingServiceSid=SERVICE), "east"),
        # The number before the service.
        (MESSAGES, message(to=WEST, MessagingServiceSid=SERVICE), "west"),
        # Who wrote is none of ours, whatever their number.
        (MESSAGES, message(to="+14155550300", From=WEST), "rest"),
        # Said twice, it says nothing.
        (MESSAGES, [*message(to=EAST), ("To", WEST)], "rest"),
        (STATUS, status(sender=EAST), "east"),
        (STATUS, status(sender=WEST, To=EAST), "west"),
        (STATUS, status(sender="+14155550300"), "rest"),
    ],
)
async def test_tenants_of_one_account_are_told_apart_by_their_senders(
    tmp_path: Path, target: str, pairs: Pairs, whose: str
) -> None:
    ingress = Ingress(tmp_path, **SHARED)
    assert Routes(ingress.tenants).unclear() == []
    assert ingress.post(target, pairs, "their token") // 100 == 2
    assert ingress.whose() == [whose]


@pytest.mark.parametrize(
    "tenants",
    [
        {"a": tenant(ONE, "their"), "b": tenant(ONE, "their")},
        {"a": tenant(ONE, "their", WEST), "b": tenant(ONE, "their", WEST)},
        {"a": tenant(ONE, "their", EAST), "b": tenant(ONE, "their", EAST), "c": tenant(ONE, "their")},
        {"a": tenant(ONE, "their", EAST, WEST), "b": tenant(ONE, "their", EAST, SERVICE)},
    ],
)
async def test_who_cannot_be_told_apart_is_not_guessed(tmp_path: Path, tenants: dict[str, TenantSettings]) -> None:
    ingress = Ingress(tmp_path, **tenants)
    assert ingress.post(MESSAGES, message(to=EAST, MessagingServiceSid=SERVICE), "their token") == 404
    assert Routes(ingress.tenants).unclear()
    # By the URL with its name each is reached.
    assert ingress.post("/twilio/a/messages", message(to=EAST), "their token") == 200
    assert ingress.whose() == ["a"]


async def test_a_subaccount_signs_with_its_own_token(tmp_path: Path) -> None:
    subaccounts = {SUB: [SecretStr("the subaccount's token")]}
    ingress = Ingress(tmp_path, acme=tenant(ONE, "acme", EAST, subaccounts=subaccounts))
    assert ingress.post(MESSAGES, message(SUB), "acme token") == 403
    assert ingress.post(MESSAGES, message(SUB), "the subaccount's token") == 200
    # Another tenant that is this subaccount: their senders say which of the two.
    ingress.set(acme=tenant(ONE, "acme", EAST, subaccounts=subaccounts), sub=tenant(SUB, "sub", WEST))
    assert ingress.post(MESSAGES, message(SUB, to=WEST), "the subaccount's token") == 403
    assert ingress.post(MESSAGES, message(SUB, to=WEST), "sub token") == 200
    assert ingress.post(MESSAGES, message(SUB, to=EAST), "the subaccount's token") == 200
    assert ingress.whose() == ["acme", "sub", "acme"]


async def test_a_signature_is_for_one_url(tmp_path: Path) -> None:
    ingress = Ingress(tmp_path, acme=tenant(ONE, "acme"))
    targets = [MESSAGES, FALLBACK, STATUS, "/twilio/acme/messages", "/twilio/acme/status"]
    pairs = message()
    for signed in targets:
        signature = sign(PUBLIC + signed, pairs, "acme token")
        believed = [target for target in targets if ingress.call(target, signature, form(pairs)) // 100 == 2]
        assert believed == [signed]


async def test_a_callback_of_ours_says_whose_it_is(tmp_path: Path) -> None:
    ingress = Ingress(tmp_path, **SHARED)
    query = callback_query(b"their people", "order-17", "west|0123")
    assert ingress.post(f"{STATUS}?{query}", status(sender=EAST), "their token") == 204
    fact = msgspec.json.decode(ingress.log.facts[0].value)
    assert (fact["tenant"], fact["command_id"], fact["contact"]) == ("west", "order-17", "west|0123")
    # Signed by nobody of ours, or for somebody else, it says nothing.
    for other in (query[:-1] + "x", callback_query(b"another secret", "order-17", "west|0123"), "c=1&k=west|0&s=1"):
        assert ingress.post(f"{STATUS}?{other}", status(sender=EAST), "their token") == 204
    stranger = callback_query(b"their people", "order-17", "initech|0123")
    assert ingress.post(f"{STATUS}?{stranger}", status(sender=EAST), "their token") == 204
    assert ingress.whose() == ["west", *["east"] * 4]


async def test_tenants_come_change_close_and_go(tmp_path: Path) -> None:
    ingress = Ingress(tmp_path)
    east, west = tenant(ONE, "their", EAST), tenant(ONE, "their", WEST)

    def told(to: str) -> int:
        return ingress.post(MESSAGES, message(to=to), "their token")

    assert told(EAST) == 404
    ingress.set(east=east)
    # Alone it has all that comes to its account.
    assert [told(EAST), told(WEST)] == [200, 200]
    ingress.set(east=east, west=west)
    assert [told(EAST), told(WEST), told("+14155550300")] == [200, 200, 404]
    moved = west.model_copy(update={"allowed_senders": [EAST, WEST]})
    ingress.set(east=east.model_copy(update={"allowed_senders": ["+14155550300"], "state": "closed"}), west=moved)
    assert [told(EAST), told("+14155550300")] == [200, 200]
    ingress.set(west=moved)
    assert told("+14155550300") == 200
    assert ingress.whose() == ["east", "east", "east", "west", "west", "east", "west"]


changes = st.lists(
    st.dictionaries(
        st.sampled_from(["a", "b", "c"]),
        st.tuples(
            st.sets(st.sampled_from([EAST, WEST, SERVICE])), st.sets(st.sampled_from([OTHER, SUB])), st.booleans()
        ),
    ),
    max_size=6,
)


@given(changes)
def test_after_any_changes_all_is_as_if_it_had_been_so_at_first(history: list[dict[str, Any]]) -> None:
    tenants = Tenants()
    routes = Routes(tenants)
    for found in history:
        tenants.take(Found({name: Said(_of(*one)) for name, one in found.items()}))
    for account in (ONE, OTHER, SUB):
        for to in (EAST, WEST, "+14155550300"):
            pairs = message(account, to, MessagingServiceSid=SERVICE)
            assert _said(routes, pairs) == _said(Routes(tenants), pairs)


def _of(senders: set[str], subaccounts: set[str], closed: bool) -> TenantSettings:
    return tenant(
        ONE, "their", *sorted(senders), subaccounts={sid: [SecretStr("x")] for sid in subaccounts},
        state="closed" if closed else "open",
    )  # fmt: skip


def _said(routes: Routes, pairs: Pairs) -> str:
    try:
        return routes.tenant_of(("To", "MessagingServiceSid"), pairs, None)
    except Rejected as error:
        return f"rejected: {error.reason}"
