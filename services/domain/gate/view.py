"""What the sender knows of the person, of its tenant and of the world when it decides."""

from typing import Literal

import msgspec

from services.domain.compliance.concerns import Concern
from services.domain.compliance.registry import Unfit
from services.domain.consent.events import Suppression
from services.domain.frequency import Capped
from services.domain.media import MediumSeen
from services.domain.outbox.pauses import Pause
from services.domain.quiet import Quiet
from services.domain.reachability import Unreachable
from services.domain.spend.budgets import Overspent


class ConsentRules(msgspec.Struct, frozen=True, kw_only=True):
    """What a tenant asks for, in the recipient's country. `version` tells one set of rules from another.

    `stop_reaches`: what a STOP to one sender stops. `consent_for`: which messages need a recorded yes, not older than
    `consent_days` where that is set. `suspected`: what comes of a message that looks like an opt-out.
    """

    version: str = ""
    stop_reaches: Literal["sender", "tenant"] = "sender"
    consent_for: Literal["nothing", "templates", "everything"] = "nothing"
    consent_days: float | None = None
    suspected: Literal["note", "defer_marketing", "stop"] = "note"


class TemplateSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A template as the log knows it. `version`: the beginning of that record's id.

    `opens`: its types may be sent to somebody who has not written. `only_approved`: WhatsApp takes it in no window
    either before it is approved. `faults`: what is wrong with the command's variables for it, a sentence each.
    """

    content_sid: str
    name: str
    language: str
    state: str
    version: str
    category: str | None = None
    opens: bool = True
    only_approved: bool = False
    faults: list[str] = []


class MembershipSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A sender of ours is, or was, in a Messaging Service. `by`: what told it first: list, inbound or status."""

    sender: str
    service: str
    since: str
    by: str


class View(msgspec.Struct, frozen=True, kw_only=True):
    """What the sender knows when it decides.

    `suppressed`: by scope, those that matter for the question. `suspected`: the same, of what looks like an opt-out
    and nobody has decided; `statements_version`: of all that was said of the recipient's consent. `memberships`: by
    which they matter where they were said of another sender; `senders_version`: of all that was known of our
    senders. `consent_at`, `consent_evidence`: the latest recorded yes. `window_until`: how long one may write
    freely by WhatsApp, from `window_sender`. `window_refused_at`: a message made then came too late for it, says
    Twilio (63016). `window_unknown`: senders with an open window of which nobody knows whether they are in the
    Messaging Service.
    `template`: what the command's content sid or name means now; of a sid, null where it is not known.
    `template_languages`: in which languages there is one of that name, and the state of each.
    `tenant_known`: this worker has the tenant's settings. `tenant_closed`: it sends nothing any more.
    `recipient_allowed`, `dry_run`: whom the tenant may reach at all. `held`: the first of what could not be read of
    theirs. `stopped`, `paused`: the pause of its lane (of everything, the tenant, the sender), and that of its
    label. `quiet`: whether it is night where the person may be; null: the tenant does not ask for this purpose.
    `capped`: of the tenant's caps for this purpose one that is used up for this person. `overspent`: a budget of the
    tenant's that this would exceed. `unreachable`: the number is left alone on this channel, by
    the tenant's rule. `looked_up`: false while Twilio is asked what stands behind the number. `media`: as they were
    found; `media_look`: of what was not found yet: it is looked for, or has to wait for others.
    `unfit`: its sender may not write there, by what is registered with carriers, of which all that is known is
    `registry_version`. `concerns`: what else is told of it. `appended`: a text that is put to its own.
    """

    now: str
    tenant_known: bool = True
    tenant_closed: bool = False
    sender_allowed: bool = True
    recipient_allowed: bool = True
    rules: ConsentRules = ConsentRules()
    suppressed: dict[str, Suppression] = {}
    suspected: dict[str, Suppression] = {}
    statements_version: str = ""
    consent_at: str | None = None
    consent_evidence: str | None = None
    window_until: str | None = None
    memberships: list[MembershipSeen] = []
    senders_version: str = ""
    window_sender: str | None = None
    window_refused_at: str | None = None
    window_unknown: list[str] = []
    dry_run: bool = False
    held: Suppression | None = None
    stopped: Pause | None = None
    paused: Pause | None = None
    quiet: Quiet | None = None
    capped: Capped | None = None
    overspent: Overspent | None = None
    unreachable: Unreachable | None = None
    unfit: Unfit | None = None
    registry_version: str = ""
    concerns: list[Concern] = []
    appended: str | None = None
    template: TemplateSeen | None = None
    template_languages: dict[str, str] = {}
    looked_up: bool = True
    media: list[MediumSeen] = []
    media_look: Literal["under_way", "waits"] | None = None
