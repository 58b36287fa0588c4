"""What a tenant hears in what people write, and what it answers, by its settings."""

from collections.abc import Mapping

from services.domain.consent.keywords import Words, normalise, stop_word
from services.domain.consent.suspicion import phrase
from services.domain.contact import canonical
from services.domain.messages.commands import NamedTemplate
from services.domain.messages.confirmation import Texts
from services.domain.messages.events import MostCommands
from services.domain.messages.keyword_rules import Rule, RuleCommand, pattern
from services.domain.messages.recipients import NOBODY
from services.domain.messages.replies import TWILIO_HEARS, Replies
from services.runtime.policy import hours_of, reach
from services.runtime.tenants.derived import Derived
from services.runtime.tenants.live import Tenants
from services.runtime.tenants.sections.consent import ConsentSettings
from services.runtime.tenants.sections.rule_commands import CommandSettings
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


def confirmation_texts(tenants: Tenants) -> Derived[Texts]:
    """What each tenant answers to STOP and START now; a closed one answers nothing."""

    def texts(_: str, tenant: TenantSettings) -> Texts:
        if tenant.state == "closed":
            return Texts()
        return Texts(tenant.consent.confirm_stop, tenant.consent.confirm_start)

    return Derived(tenants, texts)
