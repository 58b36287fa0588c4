"""The tenants' settings as the domain wants them."""

import hashlib
from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple, get_args

import msgspec
from msgspec.structs import replace

from services.domain.addresses import countries
from services.domain.compliance.countries import CountryRules, Rows
from services.domain.compliance.registry import NOTHING_KNOWN, Registry
from services.domain.consent.keywords import Words, normalise, stop_word
from services.domain.consent.suspicion import phrase
from services.domain.contact import canonical
from services.domain.frequency import Cap
from services.domain.gate.view import ConsentRules
from services.domain.messages.commands import NamedTemplate
from services.domain.messages.confirmation import Texts
from services.domain.messages.events import MostCommands
from services.domain.messages.intake import Rules
from services.domain.messages.keyword_rules import Rule, RuleCommand, pattern
from services.domain.messages.recipients import EVERYBODY, NOBODY, Recipients, recipients
from services.domain.messages.replies import TWILIO_HEARS, Replies
from services.domain.messages.routing import Route
from services.domain.quiet import Hours
from services.domain.reachability import RestRule
from services.domain.spend.estimating import Rates
from services.domain.spend.prices import PricesStated
from services.domain.templates.catalogue import NO_TEMPLATES, Catalogue
from services.runtime.country_rows import ROWS
from services.runtime.tenants.derived import Derived
from services.runtime.tenants.live import Tenants
from services.runtime.tenants.sections.compliance import ComplianceSettings
from services.runtime.tenants.sections.consent import ConsentSettings
from services.runtime.tenants.sections.routing import RouteSettings
from services.runtime.tenants.sections.rule_commands import CommandSettings
from services.runtime.tenants.sections.times import HoursSettings, Weekday
from services.runtime.tenants.settings import TenantSettings


def words_of(consent: ConsentSettings) -> Words:
    """A tenant's own words, normalised."""
    return Words(
        stop=frozenset(map(stop_word, consent.stop_words)),
        start=frozenset(map(normalise, consent.start_words)),
        off=frozenset(map(stop_word, consent.not_stop_words)),
        phrases=tuple(map(phrase, consent.suspected_phrases)),
        stops=consent.suspected == "stop",
    )


# What is known of a price list, by country, when it is asked.
Listed = Callable[[], Mapping[str, PricesStated]]


class Known(NamedTuple):
    """What is known of Twilio's lists when it is asked: prices, what is registered with carriers, templates."""

    prices: Listed = dict
    registry: Callable[[], Registry] = lambda: NOTHING_KNOWN
    templates: Callable[[], Catalogue] = lambda: NO_TEMPLATES


def rules_of_intake(tenant: TenantSettings, lifetime_s: float, known: Known) -> Rules:
    """By what intake takes a tenant's commands. `lifetime_s`: of a command that says nothing of it."""
    return Rules(
        contact_secret=tenant.contact_secret.get_secret_value().encode(),
        lifetime=lifetime_s,
        default_region=tenant.default_region,
        default_messaging_service=tenant.routing.default_messaging_service_sid,
        routes=tuple(map(_route, tenant.routing.routes)),
        producer_keys={key: secret.get_secret_value().encode() for key, secret in tenant.producer_keys.items()},
        signed=tenant.unsigned_commands == "refused",
        rates=rates_of(tenant, known.prices),
        countries=country_rows(tenant.compliance),
        registry=known.registry,
        registration=tenant.compliance.registration,
        destinations=tuple(tenant.rate_limits.destinations),
        templates=known.templates,
    )


def rates_of(tenant: TenantSettings, listed: Listed) -> Rates:
    """What a tenant knows of prices."""
    spend = tenant.spend
    assumed = {str(channel): amount for channel, amount in spend.assumed.items()}
    return Rates(listed, spend.currency, assumed, spend.surcharges)


def _route(settings: RouteSettings) -> Route:
    return Route(
        settings.pool,
        frozenset(settings.countries),
        tuple(settings.prefixes),
        frozenset(settings.channels),
        frozenset(settings.labels),
        frozenset(settings.purposes),
        settings.nearest,
    )


def _keyword_rules(tenant: TenantSettings) -> tuple[Rule, ...]:
    """A tenant's rules for what people write, in the order of its settings."""
    return tuple(
        Rule(
            name=rule.name,
            says=tuple(map(pattern, rule.says)),
            reply=rule.reply,
            tells=rule.tells,
            ticket=rule.ticket,
            command=_rule_command(rule.name, rule.command) if rule.command else None,
            senders=frozenset(map(canonical, rule.senders)),
            channels=frozenset(rule.channels),
            hours=hours_of(rule.hours) if rule.hours else None,
            zone=rule.zone,
        )
        for rule in tenant.keywords
    )


def _rule_command(name: str, command: CommandSettings) -> RuleCommand:
    return RuleCommand(
        to=tuple(command.to),
        most=MostCommands(per_hour=command.per_hour, per_day=command.per_day),
        sender=command.sender,
        channel=command.channel,
        body=command.body,
        template=NamedTemplate(name=command.template, language=command.language) if command.template else None,
        flow=command.flow,
        variables=command.variables,
        after_s=command.after_s,
        within_s=command.within_s,
        purpose=command.purpose,
        urgent=command.urgent,
        label=command.label or name,
    )


def rule_commands(tenant: TenantSettings) -> Mapping[str, RuleCommand]:
    """What a tenant's rules have sent, by their names; a closed tenant's nothing."""
    if tenant.state == "closed":
        return {}
    return {rule.name: _rule_command(rule.name, rule.command) for rule in tenant.keywords if rule.command}


def replies(tenant: TenantSettings) -> Replies:
    """What a tenant answers to what people write, and tells of it."""
    consent = tenant.consent
    confirmed = (("stop", consent.confirm_stop), ("start", consent.confirm_start))
    return Replies(
        rules=_keyword_rules(tenant),
        twilio=frozenset().union(*(TWILIO_HEARS[kind] for kind in tenant.twilio_answers)),
        confirmed=frozenset(said for said, text in confirmed if text),
        ours=frozenset(map(canonical, tenant.allowed_senders)),
        reach=NOBODY if tenant.dry_run or tenant.state == "closed" else reach(tenant),
    )


_WEEK: tuple[Weekday, ...] = get_args(Weekday)


def hours_of(settings: HoursSettings) -> Hours:
    return Hours(begins=settings.begin, ends=settings.end, days=sorted(map(_WEEK.index, settings.days)))


def confirmation_texts(tenants: Tenants) -> Derived[Texts]:
    """What each tenant answers to STOP and START now; a closed one answers nothing."""

    def texts(_: str, tenant: TenantSettings) -> Texts:
        if tenant.state == "closed":
            return Texts()
        return Texts(tenant.consent.confirm_stop, tenant.consent.confirm_start)

    return Derived(tenants, texts)


def country_rows(settings: ComplianceSettings) -> Rows:
    """What countries ask for, with what a tenant sets in its place."""
    own = {code: one.model_dump(exclude_none=True) for code, one in settings.countries.items()}
    return {**ROWS, **{code: replace(ROWS.get(code, CountryRules()), **told) for code, told in own.items()}}


_REACHES = ("sender", "tenant")
_CONSENT_FOR = ("nothing", "templates", "everything")
_SUSPECTED = ("note", "defer_marketing", "stop")


def reach(tenant: TenantSettings) -> Recipients:
    """Whom a tenant may reach."""
    return EVERYBODY if tenant.recipients is None else recipients(tenant.recipients)


def caps_of(tenant: TenantSettings) -> dict[str, list[Cap]]:
    """How often a tenant writes to a person, by purpose."""
    return {
        purpose: [Cap(messages=one.messages, days=one.days) for one in caps]
        for purpose, caps in tenant.frequency.items()
    }


def rest_rules(tenant: TenantSettings) -> dict[str, RestRule]:
    """When a number is left alone, by channel; on others by the standard rule."""
    return {
        channel: RestRule(one.failures, one.within_days, one.rest_days, one.landline_days)
        for channel, one in tenant.reachability.items()
    }


class Policy:
    """A tenant's rules by the recipient's country. Where it is not known, the strictest of those that it may be."""

    def __init__(self, settings: ConsentSettings) -> None:
        self._general = _rules(settings)
        self._regions = {
            country: _rules(settings.model_copy(update=region.model_dump(exclude_none=True)))
            for country, region in settings.regions.items()
        }

    def rules(self, country: str | None, address: str = "") -> ConsentRules:
        """The rules of a country, or of whichever an address may be of: a plan may be newer than our library."""
        if country:
            return self._regions.get(country, self._general)
        return self._among(countries(address))

    def _among(self, possible: frozenset[str]) -> ConsentRules:
        """Of several countries the strictest of each rule; of none that is known, those of all that have rules."""
        found = {self._regions.get(country, self._general) for country in possible}
        return _strictest(found or {self._general, *self._regions.values()})


def _strictest(of: Collection[ConsentRules]) -> ConsentRules:
    days = [rules.consent_days for rules in of if rules.consent_days is not None]
    return _versioned(
        ConsentRules(
            stop_reaches=max((rules.stop_reaches for rules in of), key=_REACHES.index),
            consent_for=max((rules.consent_for for rules in of), key=_CONSENT_FOR.index),
            consent_days=min(days, default=None),
            suspected=max((rules.suspected for rules in of), key=_SUSPECTED.index),
        )
    )


def _rules(settings: ConsentSettings) -> ConsentRules:
    return _versioned(
        ConsentRules(
            stop_reaches=settings.stop_reaches,
            consent_for=settings.consent_for,
            consent_days=settings.consent_days,
            suspected=settings.suspected,
        )
    )


def _versioned(rules: ConsentRules) -> ConsentRules:
    # The same rules have the same version, whoever computes it and whenever.
    version = hashlib.sha256(msgspec.json.encode(rules, order="sorted")).hexdigest()[:8]
    return msgspec.structs.replace(rules, version=version)
