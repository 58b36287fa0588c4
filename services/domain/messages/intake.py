"""Intake: is a send command one that Twilio could carry out, and what is it exactly? Pure; all faults at once."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from msgspec import convert
from msgspec.structs import replace

from services.domain.addresses import Address
from services.domain.commands import (
    check_names,
    event_id_of,
    fingerprint,
    key_of,
    on_channel,
    recipient_of,
    sender_of,
    times_of,
)
from services.domain.compliance.countries import NO_ROWS, Rows, refuses_name, rules_for
from services.domain.compliance.registry import NOTHING_KNOWN, Registry, Rule
from services.domain.identity import Place
from services.domain.messages.addressing import IN_WORDS, channel_of, fallback_of, service_of
from services.domain.messages.commands import (
    Channel,
    CommandAccepted,
    Options,
    Purpose,
    SendMessage,
)
from services.domain.messages.content import faults_of_content
from services.domain.messages.rendered import most_segments
from services.domain.messages.routing import Asked, Route, choose, is_service
from services.domain.messages.segments import Segments, segments
from services.domain.messages.smart_encoding import smart_encoded
from services.domain.public_url import as_uri
from services.domain.spend.estimating import Priced, Rates, estimate
from services.domain.templates.catalogue import NO_TEMPLATES, Catalogue

# Twilio's limits, from the Message resource.
MAX_VALIDITY_SECONDS = 36_000
# Ours: no message costs that much or is tried that often, and what is larger may not fit where it is read.
MAX_PRICE = 1_000_000
MAX_ATTEMPT = 1_000_000

_APPLICATION = re.compile(r"AP[0-9a-fA-F]{32}")
_CARRIED = frozenset({"sms", "mms", "rcs"})


class Rules(NamedTuple):
    """What intake must know of a tenant. `lifetime` in seconds: how long a command lives that says nothing of it.

    `out`: senders that a route passes over, because they fail. `producer_keys`: by id, what its producers sign with.
    `signed`: a command that nobody signed is not believed. `rates`: what it knows of prices.
    `destinations`: what numbers begin with that have a rate of their own. `registry`: what carriers know of its
    senders; `registration`: what comes of that. `countries`: what those ask for. `templates`: those that are known.
    """

    contact_secret: bytes
    lifetime: float
    default_region: str | None = None
    default_messaging_service: str | None = None
    routes: tuple[Route, ...] = ()
    out: frozenset[str] = frozenset()
    producer_keys: Mapping[str, bytes] = {}
    signed: bool = False
    rates: Rates = Rates()
    destinations: tuple[str, ...] = ()
    registry: Callable[[], Registry] = lambda: NOTHING_KNOWN
    registration: Rule = "enforced"
    countries: Rows = NO_ROWS
    templates: Callable[[], Catalogue] = lambda: NO_TEMPLATES


def accept(
    command: SendMessage, rules: Rules, at: str, place: Place, since: str | None = None
) -> CommandAccepted | list[str]:
    """The normalised command, or all that is wrong with it, a sentence each.

    `at` is when it was written to the log, `place` where there: commands of one contact keep that order. It
    lives as one that was produced at `since`, where that is earlier.
    """
    faults: list[str] = []
    channel = channel_of(command, faults)
    whom = recipient_of(command.to, channel, rules.default_region, faults)
    named = _routed(command, channel, whom, rules)
    sender = sender_of(named.from_, channel, faults)
    service = service_of(named, faults)
    fallback = fallback_of(named, channel, faults)
    times = times_of(command, rules.lifetime, at, since or at, faults)
    check_names(command.command_id, command.label, faults)
    faults.extend(faults_of_content(command, channel))
    if command.send_as_mms and channel in IN_WORDS:
        faults.append(f"send_as_mms: this goes by {IN_WORDS[channel]}; leave it out")
    _ranges(command, faults)
    if faults:
        return faults
    contact, printed = key_of(command.tenant, whom, rules.contact_secret), fingerprint(command)
    counted = _segments(command, channel, rules.templates)
    priced = Priced(channel, whom.name, whom.country, counted.segments if counted else None)
    return CommandAccepted(
        event_id=event_id_of("send_accepted", command, contact, (at, place), printed),
        tenant=command.tenant,
        command_id=command.command_id,
        contact=contact,
        accepted_at=at,
        sequence=place.offset,
        not_before=times.not_before,
        not_after=times.not_after,
        fingerprint=printed,
        channel=channel,
        country=whom.country,
        to=on_channel(channel, whom.name),
        from_=sender,
        messaging_service_sid=service,
        fallback_from=fallback,
        body=command.body or None,
        media_urls=[as_uri(url) for url in command.media_urls],
        content_sid=command.content_sid,
        content_variables=command.content_variables,
        urgent=command.urgent,
        segments=counted.segments if counted else None,
        encoding=counted.encoding if counted else None,
        estimate=estimate(rules.rates, priced),
        label=command.label,
        purpose=_purpose(command),
        template=command.template,
        purpose_said=command.purpose is not None,
        although_unreachable=command.although_unreachable,
        towards=_towards(channel, whom.name, rules.destinations),
        media_fallback=command.media_fallback,
        media_link=as_uri(command.media_link) if command.media_link else None,
        options=convert(command, Options, from_attributes=True),
    )


def _purpose(command: SendMessage) -> Purpose:
    """As far as the command itself tells it: its template is looked up when it is to be sent."""
    return command.purpose or ("marketing" if command.content_sid or command.template else "utility")


def _towards(channel: Channel, number: str, destinations: Iterable[str]) -> str:
    """The longest that fits. Only what carriers deliver has rates by destination."""
    fitting = (one for one in destinations if channel in _CARRIED and number.startswith(one))
    return max(fitting, key=len, default="")


def _segments(command: SendMessage, channel: Channel, templates: Callable[[], Catalogue]) -> Segments | None:
    """Other channels have none. Of a template's text the longest that may go: which language does is decided later."""
    if channel != "sms":
        return None
    if command.body:
        return segments(smart_encoded(command.body) if command.smart_encoded else command.body)
    name, language = (command.template.name, command.template.language) if command.template else (None, None)
    return most_segments(templates().meant(command.content_sid, name, language), command.content_variables)


def _routed(command: SendMessage, channel: Channel, whom: Address, rules: Rules) -> SendMessage:
    """The command, with a sender where its producer names none and a route has one."""
    if command.from_ is not None or command.messaging_service_sid is not None:
        return command
    found = rules.default_messaging_service
    if rules.routes:
        contact = key_of(command.tenant, whom, rules.contact_secret)
        asked = Asked(whom.name, contact, whom.country, channel, command.label, _purpose(command))
        found = choose(rules.routes, asked, _passed_over(rules, channel, whom.name)) or found
    if found is None:
        return command
    return replace(command, messaging_service_sid=found) if is_service(found) else replace(command, from_=found)


def _passed_over(rules: Rules, channel: Channel, number: str) -> Callable[[str], bool]:
    """Whether a sender in a route fails, or may not write to this number: so its carriers or its country say."""
    if channel not in ("sms", "mms"):
        return rules.out.__contains__
    registry, row = rules.registry(), rules_for(rules.countries, number)
    by = rules.registration

    def passed_over(sender: str) -> bool:
        if sender in rules.out:
            return True
        if is_service(sender):
            return registry.unfit(None, sender, number, by) is not None
        return refuses_name(row, sender) or registry.unfit(sender, None, number, by) is not None

    return passed_over


def _ranges(command: SendMessage, faults: list[str]) -> None:
    if command.validity_period is not None and not 1 <= command.validity_period <= MAX_VALIDITY_SECONDS:
        faults.append(f"validity_period: 1 to {MAX_VALIDITY_SECONDS} seconds")
    if command.max_price is not None and not 0 < command.max_price <= MAX_PRICE:
        faults.append(f"max_price: more than 0, at most {MAX_PRICE}")
    if command.attempt is not None and not 1 <= command.attempt <= MAX_ATTEMPT:
        faults.append(f"attempt: 1 to {MAX_ATTEMPT}")
    if command.application_sid is not None and not _APPLICATION.fullmatch(command.application_sid):
        faults.append("application_sid: must be AP and 32 hex digits")
