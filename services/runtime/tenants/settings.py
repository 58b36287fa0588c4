"""What is set of a tenant: a Twilio account, and how we speak for it."""

import re
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, AwareDatetime, Field, model_validator

from services.contract.signatures import KEY_ID, SHORTEST_SECRET
from services.domain.clock import to_iso
from services.domain.contact import bare, canonical
from services.domain.messages.callback_keys import CallbackKeys
from services.domain.messages.commands import Channel, Purpose
from services.domain.messages.keyword_rules import WRITER, pattern
from services.domain.messages.recipients import wrong_pattern
from services.domain.syncs import ListName
from services.runtime.regions import Region
from services.runtime.section import Secret, Section
from services.runtime.tenants.sections.compliance import ComplianceSettings
from services.runtime.tenants.sections.consent import ConsentSettings
from services.runtime.tenants.sections.keywords import DeskSettings, KeywordSettings
from services.runtime.tenants.sections.media import MediaSettings
from services.runtime.tenants.sections.reachability import LookupSettings, ReachabilitySettings
from services.runtime.tenants.sections.routing import RateLimitSettings, RoutingSettings
from services.runtime.tenants.sections.spend import SpendSettings
from services.runtime.tenants.sections.times import CapSettings, QuietSettings
from services.runtime.tenants.sections.words import RuleName
from services.runtime.tokens import TokenName, TokenSettings

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
    synced: list[ListName] = Field(
        default_factory=lambda: list(get_args(ListName)),
        description="which of Twilio's lists the poller reads to the log; []: none, such as those that its API key may "
        "not read",
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
    def _commands_are_believed(self) -> "TenantSettings":
        """What every one of them would be refused for."""
        allowed = {name for one in self.allowed_senders for name in (one, bare(one))}
        ours = {canonical(one) for one in self.allowed_senders}
        for rule in self.keywords:
            command = rule.command
            if command is None:
                continue
            if self.unsigned_commands == "refused" and not self.producer_keys:
                raise ValueError(
                    f"keywords: {rule.name}: unsigned_commands is refused, so its command has to be signed; add a key "
                    "to producer_keys"
                )
            if allowed and command.sender is not None and command.sender not in allowed:
                raise ValueError(
                    f"keywords: {rule.name}: sender {command.sender} is not in allowed_senders; add it there"
                )
            if own := [one for one in command.to if one != WRITER and canonical(one) in ours]:
                raise ValueError(f"keywords: {rule.name}: {', '.join(own)}: a sender of ours; name a person")
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
