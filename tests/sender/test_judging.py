"""What the gate sees of a command, its tenant and its contact: senders' names, staging, what is not decided."""

import asyncio
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, cast

import pytest
from msgspec.structs import replace
from pydantic import SecretStr, ValidationError

from services.contract import codec
from services.domain.clock import later
from services.domain.compliance.events import Campaign, ComplianceStated
from services.domain.compliance.events import key_of as key_of_account
from services.domain.consent.commands import Mark
from services.domain.consent.standing import Standing
from services.domain.gate.decide import decide
from services.domain.gate.purposes import purpose
from services.domain.messages.commands import NamedTemplate
from services.domain.messages.consent import Suppressing
from services.domain.messages.introduced import Introduced
from services.domain.messages.number import Number
from services.domain.outbox.entry import Entry, row_key
from services.domain.outbox.facts import Created, Refused, Unknown
from services.domain.outbox.verdicts import ALLOW, Verdict
from services.domain.reachability import Failure
from services.domain.senders.directory import Directory
from services.domain.senders.events import KnownSender, Membership, SendersStated
from services.domain.templates.events import TemplateStated, key_of
from services.runtime.catalogues import Catalogues
from services.runtime.clock import now
from services.runtime.directories import Directories
from services.runtime.folding.partition import Partition
from services.runtime.price_lists import PriceLists
from services.runtime.registries import Registries
from services.runtime.sections.kafka import KafkaSettings
from services.runtime.tenants.live import Tenants
from services.runtime.tenants.settings import TenantSettings
from services.sender.barrier import Barrier
from services.sender.budgets import Budgets, spending_of
from services.sender.faults import Faults
from services.sender.judging import Judgement, Judging
from services.sender.looks import Look, Looks
from services.sender.lookups import Lookups
from services.sender.messages.asking import ask
from services.sender.registered import held_by_registration
from services.sender.seeing import Beside, Followed
from services.sender.stops import Stops
from services.sender.tables import INTRODUCED, NUMBERS, OUTBOX, SUPPRESSION
from tests.domain.suppression_oracle import history, stated, wrote
from tests.domain.test_reach import AGENT, named, spoke
from tests.sender import histories
from tests.sender.histories import accepted, attempted, attempting, created, refused
from tests.sender.products import PRODUCTS

SERVICE = "MG" + "d" * 32


class Rows:
    """A partition that holds one row of consent at most, and what became of other commands."""

    def __init__(
        self,
        standing: Standing | None = None,
        others: Iterable[Entry] = (),
        number: Number | None = None,
        introduced: Introduced | None = None,
    ) -> None:
        self._introduced = introduced
        self._standing = standing
        self._number = number
        self._others = {row_key(one): one for one in others}

    def read(self, key: str, table: str) -> Any:
        if table == OUTBOX:
            return self._others.get(key)
        return {SUPPRESSION: self._standing, NUMBERS: self._number, INTRODUCED: self._introduced}.get(table)

    def deciding(self) -> AbstractContextManager[None]:
        return nullcontext()

    def under(self, table: str, prefix: str, most: int) -> list[str]:
        assert table == OUTBOX
        return [key for key in self._others if key.startswith(prefix)][:most]


class Nobody:
    """A directory in which no sender of ours is known."""

    def of(self, _: str) -> Directory:
        return Directory()

    async def read(self) -> None:
        """At once."""


def known(*templates: TemplateStated) -> Catalogues:
    """What a sender has read of the topic of templates."""
    catalogues = Catalogues(KafkaSettings())
    for one in templates:
        catalogues.take(key_of(one).encode(), codec.encode(one))
    return catalogues


class ReadAtOnce(Registries):
    """What is registered, without a topic."""

    async def read(self) -> None:
        """At once."""


def registered(*stated: ComplianceStated) -> Registries:
    """What a sender has read of the topic of registrations."""
    registries = ReadAtOnce(KafkaSettings())
    for one in stated:
        registries.take(key_of_account(one).encode(), codec.encode(one))
    return registries


def verdict(
    command: dict[str, Any], standing: Standing | None = None, templates: Iterable[TemplateStated] = (), **tenant: Any
) -> Verdict:
    """What the gate says of a command."""
    return looked(command, standing, templates, **tenant).verdict


def tenant_settings(**tenant: Any) -> TenantSettings:
    return TenantSettings(
        account_sid="AC" + "a" * 32, auth_tokens=[SecretStr("t")], contact_secret=SecretStr("s"), **tenant
    )


def looked(
    command: dict[str, Any],
    standing: Standing | None = None,
    templates: Iterable[TemplateStated] = (),
    *,
    others: Iterable[Entry] = (),
    number: Number | None = None,
    senders: Any = None,
    registrations: Iterable[ComplianceStated] = (),
    introduced: Introduced | None = None,
    prices: PriceLists | None = None,
    **tenant: Any,
) -> Judgement:
    settings = Tenants({"acme": tenant_settings(**tenant)})
    followed = Followed(cast(Directories, senders or Nobody()), known(*templates), registered(*registrations))
    budgets = budgets_of(settings, prices or PriceLists(KafkaSettings()))
    judging = Judging(
        PRODUCTS,
        settings,
        cast(Barrier, None),
        followed,
        Beside(Stops(Faults(), lambda _: "api"), budgets, UNASKED, unlooked(settings)),
    )
    in_time = {"not_after": "9999-12-31T23:59:59.999Z"}
    found = judging.look(cast(Partition, Rows(standing, others, number, introduced)), accepted(**in_time | command))
    receipt = found.receipt
    assert decide(receipt.question, receipt.view) == found.verdict, "the receipt holds all that was looked at"
    return found


class Unasked:
    """Nothing is looked up."""

    def wanted(self, *_: object) -> bool:
        return False


UNASKED = cast(Lookups, Unasked())


def budgets_of(settings: Tenants, prices: PriceLists) -> Budgets:
    return Budgets(PRODUCTS, spending_of(settings, prices), prices, 1)


def unlooked(settings: Tenants) -> Looks:
    """No tenant has its media looked at."""
    return Looks(cast(Look, None), settings, by_default=False)


class Passed:
    """A barrier that nothing is behind of."""

    async def passed(self, _: Partition) -> dict[str, int]:
        return {}


async def test_who_has_a_budget_is_not_waited_for_until_prices_are_read() -> None:
    """A turn that waits is one that others do not have."""
    spend = {"budgets": [{"amount": 1}], "assumed": {"sms": 1}}
    told = TenantSettings(
        account_sid="AC" + "a" * 32, auth_tokens=[SecretStr("t")], contact_secret=SecretStr("s"), spend=spend
    )
    settings, faults = Tenants({"acme": told}), Faults()
    followed = Followed(cast(Directories, Nobody()), known(), registered())
    budgets = budgets_of(settings, PriceLists(KafkaSettings()))
    beside = Beside(Stops(faults, lambda _: "api"), budgets, UNASKED, unlooked(settings))
    judging = Judging(PRODUCTS, settings, cast(Barrier, Passed()), followed, beside)
    command = accepted(not_after="9999-12-31T23:59:59.999Z")
    async with asyncio.timeout(5):
        found = await judging.judge(cast(Partition, Rows()), command)
    assert (found.verdict.decision, found.verdict.rule) == ("deferred", "prices")


def judged(command: dict[str, Any], **tenant: Any) -> str | None:
    """The rule that a command fails by."""
    return verdict(command, **tenant).rule


BOTH = {"from_": "+14155550100", "messaging_service_sid": SERVICE}


def test_a_sender_with_its_service_stands_in_both_scopes() -> None:
    question = ask(accepted(**BOTH))
    assert question.scopes == ["sender:+14155550100", f"service:{SERVICE}"]
    assert question.sender == "+14155550100"


@pytest.mark.parametrize(
    ("allowed", "rule"),
    [
        ([], None),
        (["+14155550100", SERVICE], None),
        (["+14155550100"], "allowed_senders"),
        ([SERVICE], "allowed_senders"),
    ],
)
def test_a_sender_with_its_service_needs_both_to_be_allowed(allowed: list[str], rule: str | None) -> None:
    assert judged(BOTH, allowed_senders=allowed) == rule


def test_who_said_no_to_any_sender_gets_nothing_by_one_that_is_not_named() -> None:
    """A product's call may name none: by which it goes then, nobody here knows."""
    told, _ = history(Suppressing({}), [wrote("STOP", to="+14155550100")])
    assert verdict({"from_": None, "messaging_service_sid": None}, told).rule == "suppressed"
    assert verdict({"from_": "+14155559999"}, told).rule is None


FALLING_BACK = {"from_": None, "messaging_service_sid": SERVICE, "fallback_from": "+14155550199"}


class Knows:
    """A directory in which an agent is in the service."""

    def of(self, _: str) -> Directory:
        return named(spoke(AGENT, SERVICE))


def test_a_stop_to_the_agent_stands_whatever_was_said_to_the_number_that_it_falls_back_to() -> None:
    stop, start = wrote("STOP", to=AGENT), wrote("START", 86_400, "SM2", to="+14155550199")
    for facts in ([stop], [stop, start]):
        told, _ = history(Suppressing({}), facts)
        assert looked(FALLING_BACK, told, senders=Knows()).verdict.rule == "suppressed"
    told, _ = history(Suppressing({}), [wrote("STOP", to="+14155550199")])
    assert looked(FALLING_BACK, told, senders=Knows()).verdict.rule == "suppressed"


@pytest.mark.parametrize(
    ("scopes", "rule"),
    [
        (["sender:+14155550199"], "no_consent"),
        ([f"service:{SERVICE}"], None),
        (["tenant"], None),
        ([f"service:{SERVICE}", "sender:+14155550199"], None),
        (["sender:+14155550100"], "no_consent"),
    ],
)
def test_a_yes_to_the_fallback_alone_is_none_to_the_service(scopes: list[str], rule: str | None) -> None:
    said = [stated("opt_in", number, scope, f"c{number}") for number, scope in enumerate(scopes)]
    told, _ = history(Suppressing({}), said)
    assert verdict(FALLING_BACK, told, consent={"consent_for": "everything"}).rule == rule


TEMPLATE = {"content_sid": "HX" + "a" * 32, "channel": "whatsapp"}


@pytest.mark.parametrize(
    ("command", "recipients", "rule"),
    [
        ({}, None, None),
        ({}, ["+14155550123"], None),
        ({}, ["+1*"], None),
        ({}, [], "recipients"),
        ({}, ["+14155550124"], "recipients"),
        ({"confirms": "stop"}, ["+14155550124"], "recipients"),
        (TEMPLATE | {"to": "whatsapp:US.1349"}, ["US.1349"], None),
        (TEMPLATE | {"to": "whatsapp:US.1349"}, ["+1*"], "recipients"),
        (TEMPLATE | {"to": "whatsapp:+14155550123"}, ["+14155550123"], None),
    ],
)
def test_a_staging_tenant_reaches_its_recipients_alone(
    command: dict[str, Any], recipients: list[str] | None, rule: str | None
) -> None:
    assert judged(command, recipients=recipients) == rule


@pytest.mark.parametrize(
    ("command", "rule"),
    [
        ({}, "dry_run"),
        ({"confirms": "stop"}, "dry_run"),
        (TEMPLATE | {"to": "whatsapp:US.1349"}, "dry_run"),
        ({"channel": "whatsapp", "to": "whatsapp:+14155550123"}, "window_closed"),
    ],
)
def test_a_rehearsing_tenant_sends_nothing(command: dict[str, Any], rule: str) -> None:
    assert judged(command, dry_run=True, recipients=["+1*", "US.*"]) == rule


MARKETING = {"purpose": "marketing", "from_": "+14155550100"}
DEFERS = {"consent": {"suspected": "defer_marketing"}}


def undecided(*more: Any, **where: Any) -> Standing | None:
    said = wrote("please stop texting me", 0, "SM1", **where)
    return cast(Standing | None, history(Suppressing({}), [said, *more])[0])


@pytest.mark.parametrize(
    ("command", "standing", "rule"),
    [
        (MARKETING, undecided(), "suspected_opt_out"),
        # Nobody knows the country of a business-scoped id.
        (MARKETING | {"country": None}, undecided(), "suspected_opt_out"),
        (MARKETING | {"purpose": "utility"}, undecided(), None),
        (MARKETING | {"purpose": "authentication"}, undecided(), None),
        (MARKETING, None, None),
        (MARKETING, undecided(stated("dismiss", 5, message_sid="SM1")), None),
        (MARKETING, undecided(stated("dismiss", 5, message_sid="SM2")), "suspected_opt_out"),
        (
            MARKETING,
            undecided(wrote("STOP it", 5, "SM2"), stated("dismiss", 9, message_sid="SM1")),
            "suspected_opt_out",
        ),
        (MARKETING, undecided(stated("opt_out", 5)), "suppressed"),
        (MARKETING, undecided(wrote("STOP", 5, "SM2")), "suppressed"),
        (MARKETING, undecided(wrote("START", 61, "SM2")), None),
        (MARKETING, undecided(stated("opt_in", 61)), None),
        # They wrote to the service, and started at another of its numbers.
        (BOTH | MARKETING, undecided(service=SERVICE), "suspected_opt_out"),
        (
            BOTH | MARKETING,
            undecided(wrote("START", 61, "SM2", to="+14155550101", service=SERVICE), service=SERVICE),
            None,
        ),
    ],
)
def test_marketing_waits_while_an_opt_out_is_suspected(
    command: dict[str, Any], standing: Standing | None, rule: str | None
) -> None:
    assert verdict(command, standing, **DEFERS).rule == rule


@pytest.mark.parametrize("suspected", ["note", "stop"])
def test_it_waits_where_the_tenant_wants_it_alone(suspected: str) -> None:
    assert verdict(MARKETING, undecided(), consent={"suspected": suspected}).rule is None


def test_a_rehearsal_waits_too() -> None:
    assert verdict(MARKETING, undecided(), dry_run=True, **DEFERS).rule == "suspected_opt_out"


NAMED = {"content_sid": None, "template": NamedTemplate(name="shipped"), "channel": "whatsapp", "purpose_said": False}
BY_NAME = NAMED | {"to": "whatsapp:+14155550123", "content_variables": {"1": "Bo"}, "body": None, "country": "US"}


def template(sid: str = "a", state: str = "approved", tenant: str = "acme", **fields: Any) -> TemplateStated:
    made = {"name": "shipped", "language": "en", "category": "UTILITY", "types": ["twilio/text"], **fields}
    uses = {"1": ["text"]}
    return TemplateStated(
        event_id=f"{sid}-{state}",
        tenant=tenant,
        content_sid=f"HX{sid * 32}",
        at="",
        state=state,
        placeholders=uses,
        **made,
    )


@pytest.mark.parametrize(
    ("command", "templates", "rule", "words"),
    [
        ({}, [template()], None, ""),
        (
            {"template": NamedTemplate(name="shipped", language="de")},
            [template()],
            "template",
            "in de fits: there is en",
        ),
        ({"template": NamedTemplate(name="other")}, [template()], "template", "there is none of this name"),
        ({}, [template(tenant="globex")], "template", "there is none of this name"),
        ({}, [template(state="paused")], "template", "is paused by WhatsApp"),
        ({}, [template(state="pending")], "template", "is not approved by WhatsApp, but pending"),
        ({}, [template(types=["twilio/list-picker"])], "template", "opens no conversation"),
        ({"content_variables": {}}, [template()], "template", "content_variables.1: missing"),
        (
            {"content_variables": {"1": "a", "2": "b"}},
            [template()],
            "template",
            "content_variables.2: the template has no",
        ),
        # By SMS nobody's approval is needed.
        ({"channel": "sms", "to": "+14155550123"}, [template(state="unsubmitted")], None, ""),
        # Of a sid that nobody has listed nothing can be said; of one that is listed it can.
        ({"template": None, "content_sid": "HX" + "b" * 32}, [template()], None, ""),
        ({"template": None, "content_sid": "HX" + "a" * 32}, [template(state="rejected")], "template", "is rejected"),
    ],
)
def test_a_template_is_judged_by_what_the_log_knows_of_it(
    command: dict[str, Any], templates: list[TemplateStated], rule: str | None, words: str
) -> None:
    found = verdict(BY_NAME | command, templates=templates)
    assert (found.rule, words in found.reason) == (rule, True), found


def test_the_receipt_says_which_template_it_was() -> None:
    german = template("b", language="de", category="MARKETING")
    receipt = looked(BY_NAME | {"country": "DE"}, templates=[template(), german]).receipt
    assert receipt.view.template is not None
    assert (receipt.view.template.content_sid, receipt.view.template.version) == ("HX" + "b" * 32, "b-approv")
    assert (receipt.view.template_languages, receipt.goes_as) == ({"de": "approved", "en": "approved"}, None)
    assert purpose(receipt.question, receipt.view) == "marketing"
    # Without an open window the text beside it stays away.
    both = looked(BY_NAME | {"body": "On its way"}, templates=[template()])
    assert (both.verdict.decision, both.receipt.goes_as) == ("allow", "template")
    assert purpose(both.receipt.question, both.receipt.view) == "utility"


ONCE = {"frequency": {"marketing": [{"messages": 1, "days": 1}]}}
LOST = Unknown(reason="no answer in time")


def carried(end: Created | Refused | Unknown, purpose: str | None, command_id: str = "earlier") -> Entry:
    """A command of the same person, whose attempt ended so just now."""
    begun = replace(attempting(1, command_id=command_id, purpose=purpose), at=now())
    ended = replace(attempted(1, end, command_id=command_id), at=now())
    entry, _ = histories.history([accepted(command_id), begun, ended])
    return cast(Entry, entry)


@pytest.mark.parametrize(
    ("command", "category", "before", "rule"),
    [
        (MARKETING, "", carried(created(), "marketing"), "frequency"),
        # It may have reached them.
        (MARKETING, "", carried(LOST, "marketing"), "frequency"),
        (MARKETING, "", carried(refused(), "marketing"), None),
        (MARKETING, "", carried(created(), "utility"), None),
        # The answer to a STOP or START.
        (MARKETING, "", carried(created(), None), None),
        (MARKETING | {"confirms": "start"}, "", carried(created(), "marketing"), None),
        # What the template's category says.
        (BY_NAME, "MARKETING", carried(created(), "marketing"), "frequency"),
        (BY_NAME, "UTILITY", carried(created(), "marketing"), None),
        (BY_NAME | {"body": "On its way"}, "MARKETING", carried(LOST, "marketing"), "frequency"),
        (BY_NAME | {"purpose": "utility", "purpose_said": True}, "MARKETING", carried(LOST, "marketing"), None),
    ],
)
def test_a_cap_counts_by_the_purpose_that_was_judged(
    command: dict[str, Any], category: str, before: Entry, rule: str | None
) -> None:
    templates = [template(category=category)]
    found = looked({"purpose": "marketing"} | command, templates=templates, others=[before], **ONCE)
    assert found.verdict.rule == rule, found.verdict


def test_of_whom_too_many_commands_are_remembered_nobody_says_what_they_have_had() -> None:
    many = [carried(refused(), "utility", f"earlier-{number}") for number in range(1000)]
    assert looked(MARKETING, others=many[1:], **ONCE).verdict.rule is None
    found = looked(MARKETING, others=many, **ONCE)
    assert (found.verdict.rule, "not counted" in found.verdict.reason) == ("frequency", True)
    assert found.receipt.view.capped is not None
    assert found.receipt.view.capped.uncounted


def failed(*failures: tuple[float, str, int]) -> Number:
    """A number that messages did not reach, by days ago, channel and code."""
    found = {
        f"SM{days} {code}": Failure(at=later(now(), -days * 86_400), channel=channel, code=code)
        for days, channel, code in failures
    }
    return Number(tenant="acme", contact=histories.CONTACT, failures=found)


AWAY = failed((1, "sms", 30003), (2, "sms", 30005), (3, "mms", 30003))
NO_RCS = failed((1, "rcs", 30046), (2, "rcs", 63036), (3, "rcs", 30046))
ONE = {"sms": {"failures": 1, "rest_days": 2}}


@pytest.mark.parametrize(
    ("command", "number", "tenant", "rule"),
    [
        ({}, AWAY, {}, "unreachable"),
        ({"channel": "mms"}, AWAY, {}, "unreachable"),
        ({"channel": "whatsapp"} | BY_NAME, AWAY, {}, None),
        ({"although_unreachable": True}, AWAY, {}, None),
        # Where RCS reaches nobody, a service writes by SMS.
        ({"channel": "rcs"}, NO_RCS, {}, "unreachable"),
        ({"channel": "rcs", "from_": None, "messaging_service_sid": SERVICE}, NO_RCS, {}, None),
        ({}, NO_RCS, {}, None),
        # By the tenant's own rule, of that channel.
        ({}, AWAY, {"reachability": {"sms": {"failures": 4}}}, None),
        ({}, AWAY, {"reachability": {"sms": {"rest_days": 0}}}, None),
        ({}, failed((1, "sms", 30003)), {}, None),
        ({}, failed((1, "sms", 30003)), {"reachability": ONE}, "unreachable"),
        ({}, failed((3, "sms", 30003)), {"reachability": ONE}, None),
        ({"channel": "mms"}, failed((1, "sms", 30003)), {"reachability": ONE}, None),
        # A landline, and what takes no MMS.
        ({}, failed((100, "sms", 30006)), {}, "unreachable"),
        ({"channel": "mms"}, failed((100, "sms", 30006)), {}, "unreachable"),
        ({}, failed((181, "sms", 30006)), {}, None),
        ({}, failed((100, "sms", 30006)), {"reachability": {"sms": {"landline_days": 30}}}, None),
        ({"channel": "mms"}, failed((1, "mms", 21614)), {}, "unreachable"),
        ({}, failed((1, "mms", 21614)), {}, None),
    ],
)
def test_a_number_that_nothing_reaches_is_left_alone_by_the_tenants_rule(
    command: dict[str, Any], number: Number, tenant: dict[str, Any], rule: str | None
) -> None:
    found = looked(command, number=number, templates=[template()], **tenant)
    assert found.verdict.rule == rule, found.verdict
    assert (found.receipt.view.unreachable is not None) == (rule is not None or "although_unreachable" in command)


def test_a_number_that_was_taken_back_is_nobodys_until_they_say_yes_again() -> None:
    number = Number(tenant="acme", contact="acme|c0ffee", deactivated="2026-02-20T23:59:59.999Z")
    by_rcs = {"channel": "rcs", "messaging_service_sid": "MG1"}
    for command in ({}, {"although_unreachable": True}, by_rcs):
        found = looked(command, number=number)
        assert (found.verdict.decision, found.verdict.rule) == ("blocked", "deactivated"), command
        assert "2026-02-20" in found.verdict.reason
    said = {"e": Mark(at="2026-02-21T00:00:00.000Z", evidence="e", source="command", consents=True)}
    standing = Standing(tenant="acme", contact="acme|c0ffee", ins={"tenant": said}, deactivated=number.deactivated)
    assert looked({}, standing, number=number).verdict.decision == "allow"
    before = replace(standing, ins={"tenant": {"e": replace(said["e"], at="2026-02-20T12:00:00.000Z")}})
    assert looked({}, before, number=number).verdict.rule == "deactivated"


def test_what_a_template_is_called_is_forgotten_with_it() -> None:
    catalogues = known(template())
    assert catalogues.of("acme").get("HX" + "a" * 32) is not None
    catalogues.take(f"acme|HX{'a' * 32}".encode(), None)
    assert catalogues.of("acme").get("HX" + "a" * 32) is None
    catalogues.take(b"acme|HX1", b"{")
    assert catalogues.of("acme").languages("shipped") == {}


def registrations(status: str | None = None, **campaign: Any) -> ComplianceStated:
    """Of one long code, in a service with a campaign where a status is given."""
    sid = "MG" + "d" * 32
    campaigns = [Campaign(sid="QE1", service=sid, status=status, **campaign)] if status else []
    return ComplianceStated(
        event_id=f"e-{status}",
        tenant="acme",
        account="AC" + "a" * 32,
        at="2026-11-30T08:00:00.000Z",
        campaigns=campaigns,
        numbers=["+14155550100"],
        services={sid: ["+14155550100"]},
    )


WHATSAPP = {
    "to": "whatsapp:+14155550123",
    "from_": "whatsapp:+14155550100",
    "channel": "whatsapp",
    "content_sid": "HX" + "a" * 32,
    "body": None,
}
TEXT = {
    "to": "+14155550123",
    "from_": "+14155550100",
    "body": "See https://example.com/offer. STOP ends it",
    "purpose": "marketing",
}


@pytest.mark.parametrize(
    ("status", "decision"),
    [
        (None, "blocked"),
        ("FAILED", "blocked"),
        ("IN_PROGRESS", "deferred"),
        ("SUSPENDED", "deferred"),
        ("VERIFIED", "allow"),
    ],
)
def test_a_sender_that_carriers_do_not_know_is_stopped_before_twilio_stops_it(
    status: str | None, decision: str
) -> None:
    found = looked(TEXT, registrations=[registrations(status)])
    assert found.verdict.decision == decision
    if decision != "allow":
        assert found.verdict.rule == "registration"
    assert (found.verdict.condition is not None) == (decision == "deferred")


def test_a_sender_of_which_lists_have_no_registration_goes_and_is_told_where_the_tenant_says_so() -> None:
    """They may be another account's: a subaccount's parent, whoever verified a number before."""
    listed = {"registration": "listed"}
    found = looked(TEXT, registrations=[registrations()], compliance=listed)
    assert found.verdict == ALLOW
    assert [one.kind for one in found.receipt.view.concerns] == ["registration", "opt_in"]
    refused = looked(TEXT, registrations=[registrations("FAILED")], compliance=listed).verdict
    assert (refused.decision, refused.rule) == ("blocked", "registration")


def test_what_was_never_synced_stops_nobody() -> None:
    other = replace(registrations(), tenant="globex")
    assert looked(TEXT).verdict == looked(TEXT, registrations=[other]).verdict == ALLOW


class InService:
    """A directory in which a service has a short code beside a long code."""

    def of(self, _: str) -> Directory:
        joined = {"MG" + "1" * 32: Membership(since="2026-01-01T00:00:00.000Z", last="2026-01-01T00:00:00.000Z")}
        senders = {
            "68849": KnownSender(kind="short_code", services=joined),
            "+14155550100": KnownSender(kind="long_code", services=joined),
        }
        return Directory([SendersStated(event_id="s", tenant="acme", part="inbound-0", at="", senders=senders)])

    async def read(self) -> None:
        """At once."""


SAYS_STOP = "Acme: your order is on its way. Reply STOP to end."
SAYS_BOTH, SAYS_HELP = "Reply STOP to opt out, HELP for help.", "Reply HELP for help."
CODE = {"from_": "68849"}
OF_SERVICE = {"from_": None, "messaging_service_sid": "MG" + "1" * 32}


@pytest.mark.parametrize(
    ("command", "mode", "expected"),
    [
        (CODE, "told", ("allow", ["stop_text", "help_text"], None)),
        (CODE, "blocked", ("blocked", ["stop_text", "help_text"], None)),
        (CODE, "appended", ("allow", [], SAYS_BOTH)),
        (CODE | {"body": SAYS_STOP}, "told", ("allow", ["help_text"], None)),
        (CODE | {"body": SAYS_STOP}, "blocked", ("blocked", ["help_text"], None)),
        (CODE | {"body": SAYS_STOP}, "appended", ("allow", [], SAYS_HELP)),
        # A number or an e-mail of customer care is help too.
        (CODE | {"body": f"{SAYS_STOP} Call 415-555-0199."}, "blocked", ("allow", [], None)),
        (CODE | {"body": f"{SAYS_STOP} Ask care@acme.example."}, "blocked", ("allow", [], None)),
        (CODE | {"body": f"{SAYS_STOP} Help: acme.example/help"}, "blocked", ("allow", [], None)),
        # By a service that has a short code Twilio may choose that.
        (OF_SERVICE | {"body": SAYS_STOP}, "blocked", ("blocked", ["help_text"], None)),
        # Of the others it is asked of the registered opt-in message alone, and of codes and other countries not at all.
        ({"body": SAYS_STOP}, "blocked", ("allow", [], None)),
        ({"body": SAYS_STOP, "from_": "+18005550100"}, "blocked", ("allow", [], None)),
        (CODE | {"body": "17 is your code", "purpose": "authentication"}, "blocked", ("allow", [], None)),
        (CODE | {"to": "+14165550123"}, "blocked", ("allow", [], None)),
    ],
)
def test_a_short_codes_first_message_to_the_us_says_where_help_is(
    command: dict[str, Any], mode: str, expected: Any
) -> None:
    found = looked(ELSEWHERE | command, senders=InService(), compliance={"first_message": mode})
    concerns, appended = found.receipt.view.concerns, found.receipt.view.appended
    assert (found.verdict.decision, [one.kind for one in concerns], appended) == expected


def test_a_tenant_says_of_which_numbers_help_is_asked() -> None:
    asked = {"first_message": "blocked", "countries": {"US": {"help_text": ["long_code"]}}}
    assert looked(ELSEWHERE | {"body": SAYS_STOP}, compliance=asked).verdict.rule == "help_text"
    # Also of a country that does not ask how to stop: then of that nothing is asked.
    canada = {"first_message": "blocked", "countries": {"CA": {"help_text": ["short_code"]}}}
    found = looked(ELSEWHERE | CODE | {"to": "+14165550123"}, compliance=canada)
    assert [one.kind for one in found.receipt.view.concerns] == ["help_text"]
    none = {"first_message": "blocked", "countries": {"US": {"help_text": []}}}
    assert looked(ELSEWHERE | CODE | {"body": SAYS_STOP}, compliance=none).verdict == ALLOW
    # Words of its own that say neither are refused.
    with pytest.raises(ValidationError, match="where help is"):
        tenant_settings(compliance={"help_text": "Be well."})
    # What is put there is counted as it is: two sentences where the one on stopping does not name HELP.
    own = {"first_message": "appended", "stop_text": "STOP ends it."}
    assert looked(ELSEWHERE | CODE, compliance=own).receipt.view.appended == f"STOP ends it. {SAYS_HELP}"


@pytest.mark.parametrize(
    "other",
    [
        {"to": "+14165550123"},
        WHATSAPP,
        {"from_": "12345"},
        {"from_": "+14155550177"},
    ],
)
def test_where_registrations_say_nothing_they_stop_nothing(other: dict[str, Any]) -> None:
    assert looked(TEXT | other, registrations=[registrations()]).verdict == ALLOW


def test_what_waits_for_a_campaign_waits_for_the_next_that_is_read() -> None:
    suspended, again = registrations("SUSPENDED"), registrations("VERIFIED")
    waits = looked(TEXT, registrations=[suspended]).verdict.condition
    assert waits is not None
    registries = registered(suspended)
    tenants = Tenants({"acme": tenant_settings()})
    kind = held_by_registration(registries, tenants)
    assert kind.stands(cast(Partition, None), waits)
    assert not kind.stands(cast(Partition, None), waits.replace("acme", "globex"))
    registries.take(key_of_account(again).encode(), codec.encode(again))
    assert not kind.stands(cast(Partition, None), waits)
    told = Tenants({"acme": tenant_settings(compliance={"registration": "told"})})
    assert not held_by_registration(registered(suspended), told).stands(cast(Partition, None), waits)


def test_what_does_not_fit_its_campaign_is_told_and_goes_unless_the_tenant_wants_it_blocked() -> None:
    campaign = registrations("VERIFIED", usecase="ACCOUNT_NOTIFICATION", links=False)
    found = looked(TEXT, registrations=[campaign])
    assert found.verdict == ALLOW
    assert [one.kind for one in found.receipt.view.concerns] == ["purpose", "link", "opt_in"]
    blocked = looked(TEXT, registrations=[campaign], compliance={"mismatch": "blocked"}).verdict
    assert (blocked.decision, blocked.rule) == ("blocked", "campaign")
    assert "marketing" in blocked.reason


def test_a_tenant_that_wants_to_be_told_alone_sends_from_whom_carriers_do_not_know() -> None:
    found = looked(TEXT, registrations=[registrations("FAILED")], compliance={"registration": "told"})
    assert found.verdict == ALLOW
    assert [one.kind for one in found.receipt.view.concerns] == ["registration", "opt_in"]


ELSEWHERE = {"from_": "+14155550100", "purpose": "utility", "body": "Your order is on its way"}


@pytest.mark.parametrize(
    ("written", "mode", "expected"),
    [
        (None, "told", ("allow", ["stop_text"], None)),
        (None, "blocked", ("blocked", ["stop_text"], None)),
        (None, "appended", ("allow", [], "Reply STOP to opt out, HELP for help.")),
        ("+14155550100", "blocked", ("allow", [], None)),
        # By another sender it is the first of that one.
        ("+14155550101", "blocked", ("blocked", ["stop_text"], None)),
    ],
)
def test_a_first_message_to_the_us_says_how_to_stop(written: str | None, mode: str, expected: Any) -> None:
    row = Introduced(contact="acme|0", by={written: "2026-01-01T00:00:00.000Z"}) if written else None
    found = looked(ELSEWHERE, introduced=row, compliance={"first_message": mode})
    concerns, appended = found.receipt.view.concerns, found.receipt.view.appended
    assert (found.verdict.decision, [one.kind for one in concerns], appended) == expected


@pytest.mark.parametrize(
    "other",
    [
        {"to": "+14165550123"},
        {"to": "+447700900123", "from_": "ACME"},
        {"purpose": "authentication"},
        {"body": "Hi. Reply STOP to end."},
        {"confirms": "stop"},
        {"body": None, "media_urls": ["https://example.com/a.png"], "channel": "mms"},
    ],
)
def test_elsewhere_and_of_codes_nobody_asks_how_to_stop(other: dict[str, Any]) -> None:
    found = looked(ELSEWHERE | other, compliance={"first_message": "blocked"})
    assert found.verdict == ALLOW
    assert found.receipt.view.appended is None


class NoPrices(PriceLists):
    """A price list that was read, and has no price."""

    @property
    def whole(self) -> bool:
        return True


def test_what_is_put_to_a_first_message_counts_in_its_budget() -> None:
    spend = {"budgets": [{"amount": 1}], "assumed": {"sms": "0.6"}}
    long = ELSEWHERE | {"body": "x" * 150, "segments": 1}
    read = NoPrices(KafkaSettings())
    assert looked(long, prices=read, spend=spend).verdict == ALLOW
    over = looked(long, prices=read, spend=spend, compliance={"first_message": "appended"}).verdict
    assert (over.decision, over.rule) == ("blocked", "budget")


def test_a_name_is_stopped_where_twilio_refuses_it() -> None:
    verdict = looked(ELSEWHERE | {"from_": "ACME"}).verdict
    assert (verdict.decision, verdict.rule) == ("blocked", "country")
    assert "21612" in verdict.reason
    told = looked(ELSEWHERE | {"from_": "ACME", "to": "+6581234567"})
    assert (told.verdict, [one.kind for one in told.receipt.view.concerns]) == (ALLOW, ["sender"])
    strict = looked(ELSEWHERE | {"from_": "ACME", "to": "+6581234567"}, compliance={"country": "blocked"}).verdict
    assert strict.rule == "country"
