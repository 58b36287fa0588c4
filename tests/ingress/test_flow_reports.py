"""What flows' HTTP widgets tell: by the tenant's secret alone, and as one fact."""

import json
from base64 import b64encode
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as tried
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from services.contract import codec
from services.contract.studio import REPORTS
from services.domain.contact import contact_key
from services.domain.studio.reports import FlowReported, reported
from services.ingress.receiving import Kept, Webhooks
from services.ingress.studio.keyed import report_fits
from services.ingress.webhook import Call
from services.runtime.tenants.live import Tenants
from services.runtime.tenants.settings import TenantSettings
from tests.ingress.rig import SECRET, Log, settings

FLOW_SECRETS = ["a" * 40, "b" * 40]
OTHERS = "c" * 40
PATH = "/twilio/acme/flow"
FORM = "application/x-www-form-urlencoded"
SAID = {"contact": "+14155550123", "execution_sid": "FN1", "flow_sid": "FW1", "widget": "tell", "size": "XL"}


def basic(password: str, user: str = "flow") -> str:
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"


class House:
    """Ingress for acme, with two secrets, and globex, with one of its own."""

    def __init__(self, folder: Path) -> None:
        chosen = settings(folder)
        known = chosen.tenants["acme"]
        acme = known.model_copy(update={"flow_secrets": [SecretStr(one) for one in FLOW_SECRETS]})
        globex = known.model_copy(
            update={"account_sid": "AC" + "9" * 32, "flow_secrets": [SecretStr(OTHERS)], "subaccounts": {}}
        )
        none = known.model_copy(update={"account_sid": "AC" + "8" * 32, "subaccounts": {}})
        self.log = Log()
        self.tenants = {"acme": acme, "globex": globex, "none": none}
        self.webhooks = Webhooks(chosen, Tenants(self.tenants), self.log)  # type: ignore[arg-type]

    def tell(
        self,
        body: bytes = json.dumps(SAID).encode(),
        authorization: str | None = basic(FLOW_SECRETS[0]),
        kind: str = "application/json",
        target: str = PATH,
        method: str = "POST",
    ) -> int:
        headers = {"Content-Type": kind} | ({"Authorization": authorization} if authorization is not None else {})
        told = self.webhooks.receive(Call(method, target, headers), body)
        return (self.webhooks.acknowledge(told) if isinstance(told, Kept) else told).status

    @property
    def facts(self) -> list[FlowReported]:
        return [codec.decode(fact.value, FlowReported) for fact in self.log.facts]


@pytest.fixture
async def house(tmp_path: Path) -> House:
    return House(tmp_path)


async def test_what_a_flow_tells_is_one_fact_of_its_contact(house: House) -> None:
    assert house.tell() == 204
    [fact], [written] = house.facts, house.log.facts
    assert (fact.to, fact.execution_sid, fact.flow_sid, fact.widget) == ("+14155550123", "FN1", "FW1", "tell")
    assert fact.said == SAID
    assert fact.contact == contact_key("acme", "+14155550123", SECRET.encode())
    assert (written.topic, written.key) == (REPORTS.name, fact.contact.encode())
    assert report_fits(written.value, house.tenants["acme"])
    assert not report_fits(written.value, house.tenants["acme"].model_copy(update={"contact_secret": SecretStr("x")}))


async def test_a_form_and_a_get_say_the_same(house: House) -> None:
    form = b"contact=%2B14155550123&execution_sid=FN1&flow_sid=FW1&widget=tell&size=XL"
    assert house.tell(form, kind=FORM) == 204
    assert house.tell(b"", kind="", method="GET", target=f"{PATH}?{form.decode()}") == 204
    assert [fact.said for fact in house.facts] == [SAID, SAID]
    assert len({fact.event_id for fact in house.facts}) == 1, "the same content is the same fact"
    assert house.tell(json.dumps({**SAID, "size": "M"}).encode()) == 204
    assert len({fact.event_id for fact in house.facts}) == 2


async def test_both_secrets_count_while_one_rotates(house: House) -> None:
    assert [house.tell(authorization=basic(one)) for one in FLOW_SECRETS] == [204, 204]
    assert house.tell(authorization=basic(FLOW_SECRETS[0], user="anybody")) == 204
    assert house.tell(authorization=basic(FLOW_SECRETS[0]).replace("Basic", "bAsIc")) == 204


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        (None, 401),
        ("", 401),
        ("Bearer " + FLOW_SECRETS[0], 401),
        ("Basic", 403),
        ("Basic ***", 401),
        ("Basic \u00e9", 401),
        (basic(""), 403),
        ("Basic " + b64encode(FLOW_SECRETS[0].encode()).decode(), 403),
        (basic(FLOW_SECRETS[0][:-1]), 403),
        (basic(FLOW_SECRETS[0] + "a"), 403),
        (basic(OTHERS), 403),
        ("Basic " + b64encode(b"flow:\xff\xfe").decode(), 403),
    ],
)
async def test_a_stranger_is_refused(house: House, authorization: str | None, status: int) -> None:
    assert house.tell(authorization=authorization) == status
    assert house.facts == []


async def test_a_secret_is_of_its_tenant_alone(house: House) -> None:
    assert house.tell(target="/twilio/globex/flow") == 403
    assert house.tell(target="/twilio/globex/flow", authorization=basic(OTHERS)) == 204
    # Who has set none is told by nobody, and the URL that all share says not whose it is.
    assert house.tell(target="/twilio/none/flow", authorization=basic("")) == 403
    assert house.tell(target="/twilio/flow") in (403, 404)
    assert len(house.facts) == 1


async def test_what_is_no_body_of_ours_is_refused_and_a_large_one_too(house: House) -> None:
    assert house.tell(b"{", kind="application/json") == 400
    assert house.tell(b"[]", kind="application/json") == 400
    assert house.tell(b"x", kind="text/plain") == 415
    assert house.tell(json.dumps({"text": "x" * 65_536}).encode()) == 413
    assert house.tell(b"&".join(b"a=1" for _ in range(1001)), kind=FORM) == 413
    # A stranger's body is not read at all.
    assert house.tell(b"{", authorization=basic(OTHERS)) == 403
    assert house.facts == []


async def test_nothing_merely_odd_is_refused(house: House) -> None:
    """Who says nothing of whom it is about is heard all the same; nested values are kept as JSON."""
    assert house.tell(json.dumps({"answers": {"a": [1, 2]}, "execution_sid": None}).encode()) == 204
    [fact] = house.facts
    assert (fact.to, fact.said) == ("", {"answers": '{"a":[1,2]}', "execution_sid": "null"})


@given(st.lists(st.tuples(st.text(), st.text()), max_size=8))
@tried(max_examples=100)
def test_any_names_and_values_make_a_fact_that_can_be_written(pairs: list[tuple[str, str]]) -> None:
    fact = reported("acme", b"secret", pairs, "2026-11-30T10:00:00.000Z")
    assert codec.decode(codec.encode(fact), FlowReported) == fact
    assert reported("acme", b"secret", pairs, "2026-11-30T11:00:00.000Z").event_id == fact.event_id
    assert reported("globex", b"secret", pairs, "2026-11-30T10:00:00.000Z").event_id != fact.event_id


def tenant_with(secrets: list[str]) -> TenantSettings:
    """Settings whose other fields are right."""
    return TenantSettings(
        account_sid="AC" + "1" * 32,
        auth_tokens=[SecretStr("t")],
        contact_secret=SecretStr("s"),
        flow_secrets=[SecretStr(one) for one in secrets],
    )


@pytest.mark.parametrize(
    ("secrets", "why"),
    [
        (["a" * 31], "letters, digits, - and _"),
        (["a" * 31 + "@" * 9], "letters, digits, - and _"),
        (["a" * 40, "short"], "letters, digits, - and _"),
        (["a" * 40] * 3, "at most 2 items"),
    ],
)
def test_secrets_are_long_and_fit_into_a_url(secrets: list[str], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        tenant_with(secrets)


@pytest.mark.parametrize("secrets", [[], ["a" * 32], ["aZ09-_" * 8, "b" * 64]])
def test_secrets_that_are_long_and_fit_into_a_url_are_taken(secrets: list[str]) -> None:
    assert [one.get_secret_value() for one in tenant_with(secrets).flow_secrets] == secrets
