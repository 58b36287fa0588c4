"""The gate: may this command be attempted now? Pure and total; the same question gets the same verdict.

Question and view hold all that is looked at, and nothing else: kept together they are a receipt, from which anyone can
judge again.
"""

from typing import Literal

import msgspec

from services.domain.addresses import WINDOWED
from services.domain.clock import later, seconds_between
from services.domain.consent.events import Suppression
from services.domain.consent.refusals import LEFT
from services.domain.frequency import Capped
from services.domain.outbox.pauses import Pause, paused
from services.domain.outbox.verdicts import ALLOW, Verdict, early, expired
from services.domain.quiet import Quiet
from services.domain.reachability import Unreachable
from services.domain.spend.budgets import Overspent

# A window counts from when the person wrote; we know when we heard of it, a little later.
WINDOW_MARGIN_S = 30.0
_DAY_S = 86_400.0
# How long one may write freely from the person's last word on.
_WINDOW_S = 86_400.0


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


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked at of a command. `scopes`: of its sender and Messaging Service.

    `template`: it has one; `template_name`, `template_language`: by which it names it, where it does. `freeform`: it
    has a text or a medium beside its template. `purpose_said`: the producer said it. `unseen`: nobody knows what will
    be written: it needs all that a free text needs, and the consent that a template needs. `act`: it writes a message;
    shows the person a sign that is none; or changes a record at Twilio, of which they get nothing.
    `although_unreachable`: it is to be tried where the number is left alone.
    """

    tenant: str
    channel: str
    sender: str
    scopes: list[str]
    template: bool
    not_after: str
    country: str | None = None
    confirms: Literal["stop", "start"] | None = None
    not_before: str | None = None
    label: str | None = None
    contact: str = ""
    purpose: str = "utility"
    freeform: bool = False
    template_name: str | None = None
    template_language: str | None = None
    purpose_said: bool = True
    unseen: bool = False
    act: Literal["message", "sign", "record"] = "message"
    although_unreachable: bool = False


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
    the tenant's rule.
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
    template: TemplateSeen | None = None
    template_languages: dict[str, str] = {}


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What a verdict was made of. `offsets`: topic → the offset up to which the contact's partition was read.

    `goes_as`: of a command that has both, which of them goes.
    """

    question: Question
    view: View
    offsets: dict[str, int]
    goes_as: Literal["freeform", "template"] | None = None


# Of the zones in which somebody may be, in words.
_ZONES_NAMED = 3
_PRICES_AGAIN_S = 30.0
# Kinds of conditions; then the contact, and what else the condition goes by.
HOLD = "hold"
TENANT = "tenant"
SUSPECTED = "suspected"


def decide(question: Question, view: View) -> Verdict:
    """Judge one command. `expired` and `blocked` are final; what is deferred is judged again."""
    # The dry run is last: who is stopped by it alone would have been written to.
    rules = (
        _time,
        _pause,
        _tenant,
        _sender,
        _recipient,
        _hold,
        _consent,
        _window,
        _template,
        _unreachable,
        _suspected,
        _quiet,
        _often,
        _budget,
        _dry_run,
    )
    asked = rules if question.act == "message" else _OF_ACT[question.act]
    return next((verdict for rule in asked if (verdict := rule(question, view))), ALLOW)


def _time(question: Question, view: View) -> Verdict | None:
    if view.now > question.not_after:
        return expired(question.not_after)
    return early(question.not_before) if question.not_before and view.now < question.not_before else None


def _pause(_: Question, view: View) -> Verdict | None:
    if view.stopped is not None:
        return paused(view.stopped)
    return None if view.paused is None else paused(view.paused, f"pause {view.paused.scope}")


def _tenant(question: Question, view: View) -> Verdict | None:
    """Another worker may know it: that this one does not yet is no refusal."""
    if not view.tenant_known:
        return Verdict(
            "deferred",
            "tenant",
            f"the tenant {question.tenant} is not known to the sender now",
            "Put its file and its secrets back where senders read them; it then goes on by itself, or expires at its "
            "not_after.",
            condition=of_tenant(question.tenant),
        )
    if view.tenant_closed:
        return Verdict(
            "blocked",
            "closed",
            f"the tenant {question.tenant} is closed",
            "A closed tenant sends nothing. Set its state to open, then produce a new command.",
        )
    return None


def of_tenant(tenant: str) -> str:
    """The condition under which a tenant's commands wait for its settings."""
    return f"{TENANT} {tenant}"


def _sender(question: Question, view: View) -> Verdict | None:
    if not view.sender_allowed:
        return Verdict(
            "blocked",
            "allowed_senders",
            f"the tenant may not send from {' and '.join(question.scopes)}",
            "Add it to the tenant's allowed_senders, or send from one listed there.",
        )
    return None


def _recipient(_: Question, view: View) -> Verdict | None:
    if view.recipient_allowed:
        return None
    return Verdict(
        "blocked",
        "recipients",
        "the tenant may only reach its recipients, and this is none of them",
        "Add the address to the tenant's recipients; a tenant that may reach everybody has no such setting.",
    )


def _dry_run(_: Question, view: View) -> Verdict | None:
    if not view.dry_run:
        return None
    return Verdict(
        "blocked",
        "dry_run",
        "the tenant only rehearses: nothing else stood against it, and nothing was sent",
        "Take dry_run off the tenant, then produce a new command.",
    )


def _hold(question: Question, view: View) -> Verdict | None:
    """Before consent and windows: what is unread may be a yes too, or a message."""
    if view.held is None or question.confirms == "stop":
        return None
    return Verdict(
        "deferred",
        "hold",
        f"something of the recipient's at {view.held.since} could not be read, and may have been a no: "
        f"{view.held.evidence}",
        "Retry or drop its dead letter (switchboard dead); it then goes on by itself, or expires at its not_after.",
        condition=hold_of(question.contact),
    )


def hold_of(contact: str) -> str:
    """The condition under which what is meant for a held contact waits."""
    return f"{HOLD} {contact}"


def _consent(question: Question, view: View) -> Verdict | None:
    if question.confirms == "stop":
        # The one answer that a STOP is owed.
        return None
    if stopped := {scope: why for scope, why in view.suppressed.items() if _holds(why, question, view)}:
        scope, since = min(stopped.items())
        return Verdict(
            "blocked",
            "suppressed",
            f"the recipient opted out of {scope} at {since.since} ({since.source}){_through(scope, question, view)}",
            "Do not write to them; a START, or a recorded opt-in after that time, lifts it.",
        )
    rules = view.rules
    if rules.consent_for == "nothing" or (
        rules.consent_for == "templates" and not (question.unseen or as_template(question, view))
    ):
        return None
    if view.consent_at is None:
        return Verdict(
            "blocked",
            "no_consent",
            "no opt-in of the recipient is recorded",
            "Record it, with its proof, on twilio.consent.commands.v1.",
        )
    age_days = seconds_between(view.consent_at, view.now) / _DAY_S
    if rules.consent_days is not None and age_days > rules.consent_days:
        return Verdict(
            "blocked",
            "stale_consent",
            f"the recipient's opt-in of {view.consent_at} is older than {rules.consent_days:g} days",
            "Ask again, and record the answer on twilio.consent.commands.v1.",
        )
    return None


def _holds(why: Suppression, question: Question, view: View) -> bool:
    """What WhatsApp keeps for a person stops nothing elsewhere, and no answer to what they wrote since."""
    if why.source not in LEFT:
        return True
    if question.channel != "whatsapp":
        return False
    wrote_since = view.window_until is not None and seconds_between(why.since, view.window_until) > _WINDOW_S
    return question.unseen or as_template(question, view) or not wrote_since


def as_template(question: Question, view: View) -> bool:
    """Whether it goes as its template: where it has nothing else, or the window for that is closed."""
    return question.template and not (question.freeform and is_open(question, view))


def picked(question: Question, view: View) -> Literal["freeform", "template"] | None:
    """Of a command that has both, which of them goes."""
    if not (question.template and question.freeform):
        return None
    return "template" if as_template(question, view) else "freeform"


def is_open(question: Question, view: View) -> bool:
    """Whether one may write freely now."""
    if question.channel not in WINDOWED:
        return True
    left_s = seconds_between(view.now, view.window_until) if view.window_until else 0.0
    return view.window_refused_at is None and left_s > WINDOW_MARGIN_S


def _window(question: Question, view: View) -> Verdict | None:
    # By Messenger nothing opens a conversation but the person.
    if is_open(question, view) or (question.template and question.channel != "messenger"):
        return None
    told, remedy = _closed(question, view)
    channel = "Messenger" if question.channel == "messenger" else "WhatsApp"
    return Verdict("blocked", "window_closed", f"no 24-hour {channel} window is open: {told}", remedy)


def _template(question: Question, view: View) -> Verdict | None:
    """What Twilio or WhatsApp would refuse of the template. Of a sid that nobody has listed nothing can be said."""
    if not as_template(question, view) or (view.template is None and question.template_name is None):
        return None
    if view.template is None:
        return Verdict("blocked", "template", _unknown(question, view), "Name one of `switchboard templates list`.")
    template = view.template
    called = f"the template {template.name} ({template.language}, {template.content_sid})"
    if question.channel == "whatsapp" and (why := _unfit(template, is_open(question, view))):
        return Verdict(
            "blocked",
            "template",
            f"{called} {why}",
            "Send another template by a new command; or this one, once `switchboard templates sync` has read that it "
            "may go.",
        )
    if not template.faults:
        return None
    return Verdict(
        "blocked",
        "template",
        f"{called} does not fit its variables: {'; '.join(template.faults)}",
        "Correct content_variables: `switchboard templates show` says what each placeholder stands for.",
    )


# Whom WhatsApp has stopped, it takes in no window.
_STOPPED = ("rejected", "paused", "disabled")


def _unfit(template: TemplateSeen, window_open: bool) -> str | None:
    """Why WhatsApp does not take it."""
    if template.state in _STOPPED:
        return f"is {template.state} by WhatsApp"
    if template.state != "approved" and (template.only_approved or not window_open):
        return f"is not approved by WhatsApp, but {template.state}"
    if not template.opens and not window_open:
        return "is of a type that opens no conversation, and no 24-hour window is open"
    return None


def _unknown(question: Question, view: View) -> str:
    asked = f" in {question.template_language}" if question.template_language else ""
    found = ", ".join(f"{language}: {state}" for language, state in view.template_languages.items())
    told = f"there is {found}" if found else "there is none of this name"
    return f"no template {question.template_name}{asked} fits: {told}"


def _closed(question: Question, view: View) -> tuple[str, str]:
    """Why no window is open, and what to do about it."""
    remedy = "Send an approved template (template, content_sid); freeform may follow once they answer."
    if question.channel == "messenger":
        remedy = "Wait until they write again: Messenger takes nothing before."
    if view.window_unknown:
        senders = ", ".join(view.window_unknown)
        return (
            f"the recipient wrote to {senders}, and whether that is in {question.sender} is not known",
            "Run `switchboard senders apply`, or name the sender in from; or send a template.",
        )
    if view.window_refused_at:
        return f"Twilio ended a message of {view.window_refused_at} with 63016, and they have not written since", remedy
    if view.window_until:
        return f"it closed at {view.window_until}", remedy
    ours = f"any sender of {question.sender}" if question.sender.startswith("MG") else "this sender"
    return f"the recipient has not written to {ours}", remedy


def _through(scope: str, question: Question, view: View) -> str:
    """By which memberships an opt-out from elsewhere holds here."""
    if scope in question.scopes or not view.memberships:
        return ""
    told = "; ".join(f"{one.sender} is in {one.service} since {one.since} ({one.by})" for one in view.memberships)
    return f", which holds for the whole service: {told}"


def _unreachable(question: Question, view: View) -> Verdict | None:
    """Who has just written can be reached, whatever failed before."""
    found = view.unreachable
    if found is None or question.although_unreachable or question.confirms:
        return None
    codes = ", ".join(map(str, found.codes))
    told = {
        "failures": f"the last {found.failures} messages did not reach it ({codes}), the latest at {found.last_at}",
        "landline": f"it is a landline, or takes no texts ({codes} at {found.last_at})",
        "no_mms": f"it takes no MMS ({codes} at {found.last_at})",
    }
    instead = "Send it as SMS with a link" if found.why == "no_mms" else "Use another channel or number"
    return Verdict(
        "blocked",
        "unreachable",
        f"the number is left alone by {question.channel} until {found.until}: {told[found.why]}",
        f"{instead}. What arrives there, or a message of theirs, ends it at once; what must be tried all the same says "
        "although_unreachable.",
    )


def _suspected(question: Question, view: View) -> Verdict | None:
    """Behind all that is final: what never may go does not wait."""
    if view.rules.suspected != "defer_marketing" or purpose(question, view) != "marketing" or not view.suspected:
        return None
    scope, found = min(view.suspected.items())
    return Verdict(
        "deferred",
        "suspected_opt_out",
        f"a message of the recipient to {scope} at {found.since} looks like an opt-out, and nobody has decided: "
        f"{found.evidence}",
        "Read it, then decide by a consent command: opt_out, or dismiss with its message_sid (switchboard contact).",
        condition=suspected_of(question.contact, view.statements_version),
    )


def purpose(question: Question, view: View) -> str:
    """What a command is for, wherever that is asked: as its producer says; else as its template's category does.

    The text beside a template says the same as that, so it is for the same.
    """
    if question.purpose_said:
        return question.purpose
    if not question.template:
        return "utility"
    category = (view.template.category or "").lower() if view.template else ""
    return category if category in ("utility", "authentication") else "marketing"


def counted_as(question: Question, view: View) -> str | None:
    """The purpose by whose caps it counts; None: the answer to a STOP or START is not one more of our messages."""
    return None if question.confirms else purpose(question, view)


def suspected_of(contact: str, statements_version: str) -> str:
    """The condition under which marketing waits: nothing more was said of the contact's consent."""
    return f"{SUSPECTED} {contact} {statements_version}"


def _quiet(question: Question, view: View) -> Verdict | None:
    """A person who has just said STOP or START is awake."""
    quiet = view.quiet
    if quiet is None or question.confirms:
        return None
    where = ", ".join(quiet.zones[:_ZONES_NAMED]) + (" …" if len(quiet.zones) > _ZONES_NAMED else "")
    if quiet.never:
        return Verdict(
            "blocked",
            "quiet_hours",
            f"there is no time at which it is day everywhere where the person may be: {where}"
            if where
            else "nobody knows in which time zone the person is",
            "Give their country its own quiet_hours.countries, or take the purpose off quiet_hours.purposes.",
        )
    if quiet.until is None:
        return None
    return Verdict(
        "deferred",
        "quiet_hours",
        f"it is night where the person may be ({where}), until {quiet.until}",
        "It goes by itself then, or expires at its not_after.",
        until=quiet.until,
    )


def _often(question: Question, view: View) -> Verdict | None:
    meant = counted_as(question, view)
    if view.capped is None or meant is None:
        return None
    cap, until = view.capped.cap, view.capped.until
    if view.capped.uncounted:
        return Verdict(
            "deferred",
            "frequency",
            f"so many commands for the person are remembered that the {meant} messages among them are not counted",
            f"It is looked at again at {until}, or expires at its not_after.",
            until=until,
        )
    days = "a day" if cap.days == 1 else f"{cap.days:g} days"
    return Verdict(
        "deferred",
        "frequency",
        f"the person has had {cap.messages} {meant} message{'s' if cap.messages > 1 else ''} within {days}",
        f"It goes by itself at {until}, or expires at its not_after.",
        until=until,
    )


def _budget(question: Question, view: View) -> Verdict | None:
    """The answer to a STOP or START is owed whatever it costs."""
    over = view.overspent
    if over is None or question.confirms:
        return None
    whose = f"label {over.label}" if over.label is not None else f"tenant {question.tenant}"
    if over.why == "spent":
        return Verdict(
            "blocked",
            "budget",
            f"the budget of {whose} for the day is {over.budget} {over.currency}; of this partition's share of it, "
            f"{over.share}, {over.spent} is spent, and this would cost up to {over.estimate}; the day ends at "
            f"{over.until} ({over.zone})",
            "Produce it as a new command once the day is over, or raise the amount in the tenant's spend.budgets.",
        )
    if over.why == "unread":
        until = later(view.now, _PRICES_AGAIN_S)
        return Verdict(
            "deferred",
            "prices",
            f"the price list is not read yet, and there is a budget of {whose}",
            f"It is looked at again at {until}, or expires at its not_after; /readyz of the sender says why.",
            until=until,
        )
    if question.unseen and over.why == "unpriced":
        return Verdict(
            "blocked",
            "budget",
            f"what a flow sends is not known before, and the budget of {whose} for the day, {over.budget} "
            f"{over.currency}, is not to be exceeded",
            "Give spend.budgets amounts by labels that no execution has, none for all; or set spend.unpriced to taken, "
            "which lets go all that has no price. Then produce it as a new command.",
        )
    known = f"only as {over.estimate}" if over.why == "currency" else "not"
    return Verdict(
        "blocked",
        "budget",
        f"what this costs is {known} known, and the budget of {whose} for the day, {over.budget} {over.currency}, is "
        "not to be exceeded",
        "Run `switchboard prices sync`, give its channel a price in spend.assumed, or set spend.unpriced to taken; "
        "then produce it as a new command.",
    )


# What is asked of acts that write to nobody. Whoever gets nothing of it need not have agreed.
_OF_ACT = {
    "sign": (_time, _pause, _tenant, _recipient, _hold, _consent, _dry_run),
    "record": (_time, _pause, _tenant, _dry_run),
}
