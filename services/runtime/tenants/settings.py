"""What is set of a tenant: a Twilio account, and how we speak for it."""

import re
from decimal import Decimal
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, AwareDatetime, Field, field_validator, model_validator

from services.contract.signatures import KEY_ID, SHORTEST_SECRET
from services.domain.addresses import judge, our_sender
from services.domain.clock import to_iso
from services.domain.consent import keywords
from services.domain.consent.keywords import LONGEST, STOP, normalise
from services.domain.contact import bare
from services.domain.messages.callback_keys import CallbackKeys
from services.domain.messages.commands import Channel, Purpose
from services.domain.messages.content import MAX_BODY_CHARACTERS
from services.domain.messages.introduced import says_how_to_stop
from services.domain.messages.keyword_rules import pattern, places_of
from services.domain.messages.numbers import MOST_DAYS, MOST_LANDLINE_DAYS
from services.domain.messages.recipients import wrong_pattern
from services.domain.messages.routing import is_service
from services.domain.senders.events import Kind
from services.domain.senders.throughput import TWILIOS
from services.runtime.regions import Region
from services.runtime.section import Secret, Section
from services.runtime.tokens import TokenName, TokenSettings

Prefix = Annotated[str, Field(pattern=r"^\+[1-9][0-9]{0,14}$")]
ASecond = Annotated[float, Field(gt=0)]


def _sender(text: str) -> str:
    if not is_service(text) and our_sender(text, judge(text).channel) is None:
        raise ValueError(f"{text[:40]!r} is neither a number, a short code, a name nor MG and 32 hex digits")
    return text


Sender = Annotated[str, AfterValidator(_sender)]


class RouteSettings(Section):
    """For which commands a pool of senders is; what is left out is for all."""

    pool: dict[Sender, Annotated[float, Field(gt=0)]] = Field(
        min_length=1,
        description="sender (+E.164, short code, name, MG…) → weight: its share of people",
    )
    countries: list[Annotated[str, Field(pattern=r"^[A-Z]{2}$")]] = Field(
        default_factory=list, description="ISO countries of the recipient"
    )
    prefixes: list[Prefix] = Field(default_factory=list, description="of the recipient's number, such as +1415")
    channels: list[Channel] = Field(default_factory=list)
    labels: list[str] = Field(default_factory=list)
    purposes: list[Purpose] = Field(default_factory=list)
    nearest: bool = Field(
        default=False, description="of the pool those of the recipient's area code, else of their country, if any"
    )


class RoutingSettings(Section):
    """Which sender takes a command that names none: the first route that fits, else the default."""

    default_messaging_service_sid: str | None = None
    routes: list[RouteSettings] = Field(default_factory=list)


class RateLimitSettings(Section):
    """How much goes a second, over all workers: segments of SMS, else messages.

    Twilio queues what is more than it sends, and no urgent message passes that queue.
    """

    each: ASecond = Field(default=10.0, description="of a sender or service that nothing else here names")
    kinds: dict[Kind, ASecond] = Field(
        default_factory=lambda: dict(TWILIOS), description="by what the sender is; left out: Twilio's usual rates"
    )
    senders: dict[Sender, ASecond] = Field(
        default_factory=dict, description="sender (+E.164, whatsapp:+E.164, short code, name, MG…) → its own"
    )
    destinations: dict[Prefix, ASecond] = Field(
        default_factory=dict,
        description="what a number begins with, such as +91 → the most of all senders together, by SMS, MMS and RCS",
    )


class RegionSettings(Section):
    """What a country asks for beyond the tenant's own rules; what is left out stays as it is."""

    stop_reaches: Literal["sender", "tenant"] | None = None
    consent_for: Literal["nothing", "templates", "everything"] | None = None
    consent_days: float | None = Field(default=None, gt=0)


class ConsentSettings(Section):
    """Whom we may write to. Suppression always holds; the rest is the tenant's to ask for."""

    stop_words: list[str] = Field(default_factory=list, description="beside the standard ones: other languages")
    start_words: list[str] = Field(default_factory=list)
    not_stop_words: list[str] = Field(
        default_factory=list,
        description="of the standard ones, those that mean something else to this tenant's people, such as CANCEL; "
        "never STOP",
    )
    suspected: Literal["note", "defer_marketing", "stop"] = Field(
        default="note",
        description="what comes of a message that looks like an opt-out and is no stop word: it is told, marketing "
        "waits for a person's decision, or it is a STOP",
    )
    suspected_phrases: list[str] = Field(
        default_factory=list, description="whole clauses that look like an opt-out, beside the standard ones"
    )
    confirm_stop: str = Field(
        default="You will receive no more messages from us. Reply START to change that.",
        description="on WhatsApp, where Twilio answers nothing; empty: no answer",
    )
    confirm_start: str = Field(default="You will receive our messages again. Reply STOP to end them.")
    stop_reaches: Literal["sender", "tenant"] = Field(default="sender", description="what a STOP to one sender stops")
    consent_for: Literal["nothing", "templates", "everything"] = Field(
        default="nothing", description="which messages need a recorded opt-in"
    )
    consent_days: float | None = Field(default=None, gt=0, description="how long an opt-in holds; empty: for ever")
    regions: dict[Annotated[str, Field(pattern=r"^[A-Z]{2}$")], RegionSettings] = Field(
        default_factory=dict, description="ISO country of the recipient → what it asks for"
    )

    @model_validator(mode="after")
    def _words(self) -> "ConsentSettings":
        for word in (*self.stop_words, *self.start_words, *self.suspected_phrases):
            if not normalise(word):
                raise ValueError(f"{word!r} has neither letters nor digits: every such message would count")
            if len(word) > LONGEST:
                raise ValueError(f"{word[:20]}…: a keyword has at most {LONGEST} characters")
        if stops := [word for word in self.start_words if keywords.stop_word(word) in STOP]:
            raise ValueError(f"{', '.join(stops)}: is a STOP everywhere, and can be no start word")
        # Accents do not tell a stop word from another.
        if both := set(map(keywords.stop_word, self.stop_words)) & set(map(keywords.stop_word, self.start_words)):
            raise ValueError(f"{', '.join(sorted(both))}: both a stop word and a start word; choose one")
        return self

    @model_validator(mode="after")
    def _taken_off(self) -> "ConsentSettings":
        for word in self.not_stop_words:
            if keywords.stop_word(word) == keywords.ALWAYS_STOP:
                raise ValueError(f"not_stop_words: {word} always stops; take it off this list")
            if keywords.stop_word(word) not in STOP:
                raise ValueError(f"not_stop_words: {word} is none of the standard stop words; take it off this list")
        if both := set(map(keywords.stop_word, self.not_stop_words)) & set(map(keywords.stop_word, self.stop_words)):
            raise ValueError(f"{', '.join(sorted(both))}: both in stop_words and in not_stop_words; choose one")
        return self


Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_CLOCK = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"


class HoursSettings(Section):
    """When people are left alone, by the time where they are."""

    begin: str = Field(default="21:00", pattern=_CLOCK, description="HH:MM; the first quiet minute")
    end: str = Field(
        default="08:00", pattern=_CLOCK, description="HH:MM; the first minute that is not; as `begin`: no hours"
    )
    days: list[Weekday] = Field(default_factory=list, description="quiet all day")


class QuietSettings(Section):
    """Quiet hours: messages wait until it is day where the recipient may be."""

    purposes: list[Purpose] = Field(
        default_factory=list, description="which messages wait: marketing, utility, authentication; empty: none"
    )
    hours: HoursSettings = Field(default=HoursSettings(), description="everywhere, beside what is known of a country")
    countries: dict[Annotated[str, Field(pattern=r"^[A-Z]{2}$")], HoursSettings] = Field(
        default_factory=dict, description="ISO country of the recipient → its hours, in place of all others"
    )


class CapSettings(Section):
    """How often a person is written to."""

    messages: int = Field(ge=1, le=1000)
    days: float = Field(gt=0, le=30, description="counted back from the moment")


Amount = Annotated[Decimal, Field(gt=0, le=1_000_000_000, allow_inf_nan=False, decimal_places=6)]


class BudgetSettings(Section):
    """What messages may cost in a day, by estimates; each partition of the topics has an equal share of it."""

    amount: Amount = Field(description="in `spend.currency`, such as 250 or 0.5")
    label: str | None = Field(
        default=None, pattern=r"^[\x21-\x7e]{1,64}$", description="of the commands with this label; left out: of all"
    )

    @field_validator("label")
    @classmethod
    def _named(cls, label: str | None) -> str | None:
        """In metrics `all` is the budget of all."""
        if label == "all":
            raise ValueError("no budget can be of this label alone; leave label out for all of the tenant's commands")
        return label


class SpendSettings(Section):
    """What messages cost, and may cost."""

    currency: str = Field(default="USD", pattern=r"^[A-Z]{3}$", description="of all amounts here; ISO 4217")
    zone: str = Field(default="UTC", description="by whose clock a day begins and ends, as IANA names it")
    budgets: list[BudgetSettings] = Field(default_factory=list, max_length=100)
    unpriced: Literal["blocked", "taken"] = Field(
        default="blocked",
        description="what comes of a command for which there is a budget, and nobody knows what it costs",
    )
    assumed: dict[Channel, Amount] = Field(
        default_factory=dict,
        description="channel → what a segment costs, or a message of which none are counted, where no list says it",
    )
    surcharges: dict[Annotated[str, Field(pattern=r"^[A-Z]{2}$")], Amount] = Field(
        default_factory=dict,
        description="ISO country → what networks there charge for a segment beside what the list says",
    )

    @model_validator(mode="after")
    def _meant(self) -> "SpendSettings":
        labels = [one.label for one in self.budgets]
        if twice := {label or "all" for label in labels if labels.count(label) > 1}:
            raise ValueError(f"budgets: {', '.join(sorted(twice))}: there are two; give each label one")
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"zone: {self.zone!r} is no time zone; write one such as Europe/Paris") from None
        return self


class CountrySettings(Section):
    """What a country asks for, in place of what the file of countries says; what is left out stays as it is."""

    names: Literal["taken", "registered", "refused"] | None = Field(
        default=None, description="alphanumeric senders; taken: yours are registered there, or need not be"
    )
    foreign: Literal["taken", "refused"] | None = Field(
        default=None, description="numbers of other calling codes as senders"
    )
    opt_in: Literal["nothing", "marketing"] | None = Field(default=None, description="what needs a recorded opt-in")
    stop_text: bool | None = Field(default=None, description="a person's first message says how to stop")


class ComplianceSettings(Section):
    """What comes of what carriers and countries ask for; of registrations only after `switchboard compliance sync`."""

    registration: Literal["enforced", "told"] = Field(
        default="enforced",
        description="of a sender that carriers do not let write there: its commands end or wait, or go with a warning",
    )
    mismatch: Literal["told", "blocked"] = Field(
        default="told",
        description="of a message that does not fit its campaign's use case, or has links or phone numbers that the "
        "campaign is registered without",
    )
    country: Literal["told", "blocked"] = Field(
        default="told",
        description="of a message that does not fit its country's rules; a sender that Twilio refuses there is blocked "
        "always",
    )
    countries: dict[Annotated[str, Field(pattern=r"^[A-Z]{2}$")], CountrySettings] = Field(
        default_factory=dict, description="ISO country of the recipient → what it asks for"
    )
    first_message: Literal["told", "appended", "blocked"] = Field(
        default="told",
        description="of a person's first message that does not say how to stop, where the country asks for that; "
        "appended: stop_text is put to it",
    )
    stop_text: str = Field(default="Reply STOP to opt out, HELP for help.", min_length=1, max_length=160)

    @field_validator("stop_text")
    @classmethod
    def _says_it(cls, text: str) -> str:
        if not says_how_to_stop(text):
            raise ValueError("stop_text: it does not say how to stop; write a text with STOP in it")
        return text


class ReachabilitySettings(Section):
    """When a number is left alone on a channel, because nothing reaches it there."""

    failures: int = Field(default=3, ge=1, le=10, description="so many messages that reached nobody; of an hour one")
    within_days: float = Field(default=14, gt=0, le=MOST_DAYS, description="all of them")
    rest_days: float = Field(default=7, ge=0, le=MOST_DAYS, description="how long it is left alone then; 0: not at all")
    landline_days: float = Field(
        default=180, ge=0, le=MOST_LANDLINE_DAYS, description="how long a number that takes no texts is left alone"
    )


class LookupSettings(Section):
    """Whether Twilio's Lookup is asked what stands behind a number, before the first SMS or MMS to it."""

    daily: int = Field(
        default=0,
        ge=0,
        le=10_000_000,
        description="looks in a day of UTC at the most; each partition has its share; 0: none",
    )
    price: Amount = Field(
        default=Decimal("0.008"), description="of one look, in `spend.currency`; for the metric alone"
    )
    max_age_days: float = Field(
        default=180, ge=1, le=MOST_LANDLINE_DAYS, description="then a number is asked about again"
    )
    unknown_days: float = Field(
        default=7, gt=0, le=MOST_LANDLINE_DAYS, description="the same, where Twilio could not tell"
    )
    wait_s: float = Field(default=5, gt=0, le=60, description="a message goes without an answer after that")
    countries: list[Annotated[str, Field(pattern=r"^[A-Z]{2}$")]] = Field(
        default_factory=list, description="ISO countries of recipients who are looked up; empty: all"
    )


class MediaSettings(Section):
    """What is asked of media before they are sent, and what is done with those that people send."""

    preflight: bool | None = Field(
        default=None,
        description="look at each media URL before an attempt; left out: where Twilio itself is called, and not where "
        "it is an emulator, which fetches nothing",
    )
    signed_for_s: float = Field(
        default=600.0, ge=0, le=86_400, description="how long a signed URL must hold from the attempt on"
    )
    document_bytes: int = Field(
        default=16 << 20, ge=1, le=100 << 20, description="the most of a document by WhatsApp; Meta takes 100 MB"
    )
    mms_file_bytes: int = Field(
        default=500 << 10, ge=1, le=5 << 20, description="the most of a file by MMS that is no JPEG, PNG or GIF"
    )
    types: list[Annotated[str, Field(pattern=r"^[A-Za-z0-9.+-]+/[A-Za-z0-9.+-]+$")]] = Field(
        default_factory=list,
        max_length=100,
        description="media types that Twilio has come to take since",
    )
    copy_inbound: bool = Field(default=True, description="what people send is copied, where the worker `media` runs")
    delete_inbound: bool = Field(default=False, description="what was copied is then taken away at Twilio")


RuleName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]


class DeskSettings(Section):
    """Where tickets go: a URL that takes them, and what they are signed with."""

    url: str = Field(description="https://…; http too, where private")
    secret: Secret = Field(description=f"signs each ticket; {SHORTEST_SECRET} characters at least")
    private: bool = Field(default=False, description="it may lie in a private network, or on this machine")

    @model_validator(mode="after")
    def _meant(self) -> "DeskSettings":
        parts = urlsplit(self.url)
        if parts.scheme not in (("https", "http") if self.private else ("https",)) or not parts.hostname:
            raise ValueError("url: write an https URL; http counts with private: true alone")
        if parts.username or parts.fragment:
            raise ValueError("url: no user, password or fragment; what proves who we are is the signature")
        if len(self.secret.get_secret_value()) < SHORTEST_SECRET:
            raise ValueError(f"secret: fewer than {SHORTEST_SECRET} characters; make one by openssl rand -hex 32")
        return self


class KeywordSettings(Section):
    """A rule for what people write: it is for a whole message, in any spelling."""

    name: RuleName = Field(description="as it is told on twilio.keywords.v1")
    says: list[str] = Field(
        min_length=1,
        max_length=50,
        description="the messages: words, and places such as {id} for a word, {text*} at the end for all that follows",
    )
    reply: str | None = Field(
        default=None, min_length=1, max_length=1600, description="the answer as TwiML, with the places filled"
    )
    tells: bool = Field(default=False, description="each such message is told on twilio.keywords.v1")
    ticket: RuleName | None = Field(
        default=None, description="one of `desks`: each such message is delivered there by HTTP, and told"
    )
    senders: list[str] = Field(default_factory=list, description="of ours, to which it was written; empty: all")
    channels: list[Literal["sms", "whatsapp", "rcs", "messenger"]] = Field(
        default_factory=list, description="by which it was written; empty: all"
    )
    hours: HoursSettings | None = Field(default=None, description="when the rule holds; left out: always")
    zone: str = Field(default="UTC", description="by whose clock, as IANA names it")

    @model_validator(mode="after")
    def _meant(self) -> "KeywordSettings":
        places = [set(pattern(text).names) for text in self.says]
        if not (self.reply or self.tells or self.ticket):
            raise ValueError("nothing comes of it: give it a reply, a ticket, or tells: true")
        if self.reply is not None:
            if not self.reply.strip():
                raise ValueError("reply: there is no text; write one, or leave it out")
            if missing := places_of(self.reply) - places[0].intersection(*places):
                raise ValueError(f"reply: {', '.join(sorted(missing))}: not a place of every message in says")
            # What somebody writes at a place is no longer than the longest message that a rule is for.
            if len(self.reply) + LONGEST * self.reply.count("{") > MAX_BODY_CHARACTERS:
                raise ValueError(f"reply: filled, it may be longer than {MAX_BODY_CHARACTERS} characters")
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"zone: {self.zone!r} is no time zone; write one such as Europe/Paris") from None
        return self


TENANT_NAME = r"^[a-z0-9][a-z0-9_-]{0,62}$"
TenantName = Annotated[str, Field(pattern=TENANT_NAME)]


_IN_A_URL = re.compile(rf"[A-Za-z0-9_-]{{{SHORTEST_SECRET},}}")


def _recipient(pattern: str) -> str:
    if fault := wrong_pattern(pattern):
        raise ValueError(fault)
    return pattern


class TenantSettings(Section):
    """One Twilio account (with its subaccounts) and how we speak for it."""

    state: Literal["open", "closed"] = Field(
        default="open", description="closed: nothing is sent, and webhooks are still taken; before it is removed"
    )
    account_sid: str = Field(pattern=r"^AC[0-9a-fA-F]{32}$", description="never changed")
    region: Region = Field(
        default="us1",
        description="of Twilio, where the account's messages are handled; every token and key here is that region's",
    )
    auth_tokens: list[Secret] = Field(min_length=1, max_length=2, description="two while one rotates")
    subaccounts: dict[str, list[Secret]] = Field(default_factory=dict, description="AC… → its own tokens")
    signing_keys: dict[Annotated[str, Field(pattern=r"^[!-+\--~]+$")], Secret] = Field(
        default_factory=dict, description="shared keys by id: Twilio signs with one by HMAC_SHA256 where it is told to"
    )
    producer_keys: dict[Annotated[str, Field(pattern=rf"^{KEY_ID}$")], Secret] = Field(
        default_factory=dict,
        max_length=5,
        description=f"keys by id that this tenant's producers sign commands with, {SHORTEST_SECRET} characters at "
        "least; several while one rotates",
    )
    flow_secrets: list[Secret] = Field(
        default_factory=list,
        max_length=2,
        description=f"passwords in the URLs of flows' HTTP widgets, {SHORTEST_SECRET} characters at least; two while "
        "one rotates",
    )
    unsigned_commands: Literal["taken", "refused"] = Field(
        default="taken",
        description="refused: on the shared topics only commands count that are signed by one of producer_keys, and "
        "opt-outs; the tenant's own topics need no signature",
    )
    api_key_sid: str | None = Field(default=None, pattern=r"^SK[0-9a-fA-F]{32}$")
    api_key_secret: Secret | None = None
    contact_secret: Secret = Field(description="keys the hash that stands for a person; never changed")
    callback_keys: dict[AwareDatetime, Secret] = Field(
        default_factory=dict,
        description="sign the status callback's URL: each from the time that it stands under (ISO 8601 with its zone); "
        "believed for 60 days after the next one began. Until the first one the contact secret signs",
    )
    keywords: list[KeywordSettings] = Field(
        default_factory=list, description="rules for what people write; the first that fits counts"
    )
    desks: dict[RuleName, DeskSettings] = Field(
        default_factory=dict, description="where tickets of keyword rules go, by name"
    )
    twilio_answers: tuple[Literal["STOP", "START", "HELP"], ...] = Field(
        default=("STOP", "START"),
        description="what Twilio answers by SMS itself without telling us; []: it was asked to leave that to us",
    )
    default_region: str | None = Field(default=None, pattern=r"^[A-Z]{2}$", description="for numbers without +")
    allowed_senders: list[str] = Field(default_factory=list, description="+E.164, whatsapp:+E.164 or MG…; empty: all")
    recipients: list[Annotated[str, AfterValidator(_recipient)]] | None = Field(
        default=None,
        description="whom the tenant may reach: +E.164 or an id, with a * all that begin so; left out: everybody",
    )
    dry_run: bool = Field(default=False, description="all is judged and nothing sent: commands end blocked")
    routing: RoutingSettings = RoutingSettings()
    consent: ConsentSettings = ConsentSettings()
    quiet_hours: QuietSettings = QuietSettings()
    frequency: dict[Purpose, list[CapSettings]] = Field(
        default_factory=dict, description="purpose → the most that a person gets of it; what is more waits"
    )
    spend: SpendSettings = SpendSettings()
    compliance: ComplianceSettings = ComplianceSettings()
    reachability: dict[Channel, ReachabilitySettings] = Field(
        default_factory=dict, description="channel → when a number is left alone on it; left out: as the defaults say"
    )
    rate_limits: RateLimitSettings = RateLimitSettings()
    lookup: LookupSettings = LookupSettings()
    media: MediaSettings = MediaSettings()
    deactivations: bool = Field(
        default=False,
        description="Twilio's daily list of US numbers that carriers took back is read: no earlier yes counts there",
    )
    tokens: dict[TokenName, TokenSettings] = Field(
        default_factory=dict, description="of the query API, each showing this tenant's rows alone"
    )

    @property
    def credentials(self) -> tuple[str, str]:
        """User and password for Twilio's API: the API key where there is one, else the account and its first token."""
        if self.api_key_sid and self.api_key_secret:
            return self.api_key_sid, self.api_key_secret.get_secret_value()
        return self.account_sid, self.auth_tokens[0].get_secret_value()

    @property
    def accounts(self) -> dict[str, tuple[str, str]]:
        """User and password by account: its own, and each subaccount that has a token.

        A subaccount's own token opens it for sure; whether its parent's does, sources disagree.
        """
        known = {sid: (sid, tokens[0].get_secret_value()) for sid, tokens in self.subaccounts.items() if tokens}
        return {self.account_sid: self.credentials, **known}

    @property
    def callback_ring(self) -> CallbackKeys:
        """The keys that sign status callbacks, by time."""
        others = {to_iso(at): key.get_secret_value().encode() for at, key in self.callback_keys.items()}
        return CallbackKeys(self.contact_secret.get_secret_value().encode(), others)

    @model_validator(mode="after")
    def _consistent(self) -> "TenantSettings":
        if bool(self.api_key_sid) != bool(self.api_key_secret):
            raise ValueError("api_key_sid and api_key_secret go together")
        return self

    @model_validator(mode="after")
    def _desks_are_there(self) -> "TenantSettings":
        for rule in self.keywords:
            if rule.ticket is not None and rule.ticket not in self.desks:
                raise ValueError(f"keywords: {rule.name}: there is no desk {rule.ticket}; add it to desks")
        return self

    @model_validator(mode="after")
    def _one_rule_each(self) -> "TenantSettings":
        spelt: dict[str, str] = {}
        names = [rule.name for rule in self.keywords]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"keywords: {', '.join(sorted(twice))}: two rules have this name; give each its own")
        for rule in self.keywords:
            if rule.senders or rule.channels or rule.hours:
                continue
            for text in rule.says:
                # Places are compared by where they are, not by name.
                found = " ".join("{}" if word.startswith("{") else word for word in pattern(text).words)
                if found in spelt:
                    raise ValueError(f"keywords: {text} of {rule.name} is for the same messages as {spelt[found]}")
                spelt[found] = f"{text} of {rule.name}"
        return self

    @model_validator(mode="after")
    def _pools(self) -> "TenantSettings":
        allowed = {name for one in self.allowed_senders for name in (one, bare(one))}
        everywhere = self.consent.stop_reaches == "tenant" and all(
            region.stop_reaches != "sender" for region in self.consent.regions.values()
        )
        for route in self.routing.routes:
            if len(route.pool) > 1 and not everywhere:
                raise ValueError(
                    "routing: of a pool people get one sender today and perhaps another tomorrow, so a STOP to one "
                    "must stop all: set consent.stop_reaches to tenant, in its regions too, or put the numbers into "
                    "one Messaging Service"
                )
            if allowed and (strange := route.pool.keys() - allowed):
                raise ValueError(f"routing: {', '.join(sorted(strange))}: in a pool, and not in allowed_senders")
        return self

    @model_validator(mode="after")
    def _strong_flow_secrets(self) -> "TenantSettings":
        for secret in self.flow_secrets:
            if not _IN_A_URL.fullmatch(secret.get_secret_value()):
                raise ValueError(
                    f"flow_secrets: {SHORTEST_SECRET} letters, digits, - and _ at least, for it stands in a URL; make "
                    "one by openssl rand -hex 32"
                )
        return self

    @model_validator(mode="after")
    def _strong(self) -> "TenantSettings":
        for key, secret in self.producer_keys.items():
            if len(secret.get_secret_value()) < SHORTEST_SECRET:
                raise ValueError(
                    f"producer_keys.{key}: fewer than {SHORTEST_SECRET} characters; make one by openssl rand -hex 32"
                )
        return self
