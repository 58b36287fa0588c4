"""From a create request to a draft: the parameters, and the checks that Twilio makes, in its order."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from multidict import MultiMapping

from services.simulator import addresses, content, errors, moments
from services.simulator.accounts import Account
from services.simulator.errors import Refusal

_SERVICE_SID = re.compile(r"MG[0-9a-fA-F]{32}")
# What the OpenAPI of September 2026 lists. Nobody could confirm the code of the refusal, nor that there is one.
_VALUES = {
    "ContentRetention": {"retain", "discard"},
    "AddressRetention": {"retain", "obfuscate"},
    "TrafficType": {"free"},
    "RiskCheck": {"enable", "disable"},
    "MessageIntent": {
        "otp", "notifications", "marketing", "fraud", "security", "customercare", "delivery", "education", "polling",
        "announcements", "events",
    },
}  # fmt: skip
# By Twilio's pages on 35114 and 35115 (April 2026); its page on 35111 (March 2026) and older copies say 900 seconds.
_SOONEST, _LATEST = timedelta(seconds=300), timedelta(days=35)


@dataclass(frozen=True)
class Draft:
    """The parameters of a create request that mean something here; `params` keeps every one as given.

    `validity_s` is in seconds; `send_at` is None when the message is not scheduled.
    """

    to: str
    sender: str | None
    service_sid: str | None
    fallback: str | None
    body: str
    media: tuple[str, ...]
    content_sid: str | None
    content_variables: str | None
    status_callback: str | None
    validity_period: str | None
    scheduled: bool
    send_at: datetime | None
    smart_encoded: bool
    params: tuple[tuple[str, str], ...]

    @property
    def validity_s(self) -> float | None:
        return float(self.validity_period) if self.validity_period else None


def read(form: MultiMapping[str]) -> Draft:
    """The draft that a form states, not yet checked. A Messaging Service may stand in From (Twilio's page on 21603)."""
    sender, service = form.get("From", "").strip() or None, form.get("MessagingServiceSid") or None
    if sender and _SERVICE_SID.fullmatch(sender) and not service:
        sender, service = None, sender
    return Draft(
        to=form.get("To", "").strip(),
        sender=sender,
        service_sid=service,
        fallback=form.get("FallbackFrom", "").strip() or None,
        body=form.get("Body", ""),
        media=tuple(form.getall("MediaUrl", [])),
        content_sid=form.get("ContentSid") or None,
        content_variables=form.get("ContentVariables") or None,
        status_callback=form.get("StatusCallback") or None,
        validity_period=form.get("ValidityPeriod") or None,
        scheduled=form.get("ScheduleType") == "fixed",
        send_at=_moment(form.get("SendAt")),
        smart_encoded=form.get("SmartEncoded", "").lower() == "true",
        params=tuple(form.items()),
    )


def refuse(draft: Draft, account: Account, public_callbacks: bool) -> Refusal | None:
    """The first reason why Twilio would not take the draft, or None. `public_callbacks`: it must reach them."""
    for check in _CHECKS:
        if refusal := check(draft, account):
            return refusal
    return content.refuse_callback(draft.status_callback, public_callbacks)


def _given(draft: Draft, _: Account) -> Refusal | None:
    if not (draft.sender or draft.service_sid):
        return errors.FROM_REQUIRED
    if not draft.to:
        return errors.TO_REQUIRED
    return None if draft.body or draft.media or draft.content_sid else errors.CONTENT_REQUIRED


def _addresses(draft: Draft, account: Account) -> Refusal | None:
    if draft.service_sid and not _SERVICE_SID.fullmatch(draft.service_sid):
        return errors.INVALID_SERVICE.about(draft.service_sid)
    if draft.sender and (refusal := addresses.refuse_sender(draft.sender, account.senders)):
        return refusal
    if refusal := addresses.refuse_recipient(draft.to):
        return refusal
    if draft.sender and addresses.channel(draft.sender) != addresses.channel(draft.to):
        return errors.CHANNELS_DIFFER
    return errors.SAME_NUMBER.about(draft.to) if draft.sender == draft.to else None


def _fallback(draft: Draft, account: Account) -> Refusal | None:
    """That its service has an RCS sender is looked at with its pool."""
    if draft.fallback is None:
        return None
    if draft.sender:
        return errors.FALLBACK_AND_FROM
    if not draft.service_sid:
        return errors.FALLBACK_NEEDS_SERVICE
    return addresses.refuse_fallback(draft.fallback, account.senders)


def _content(draft: Draft, _: Account) -> Refusal | None:
    return (
        content.refuse_body(draft.body)
        or content.refuse_template(draft.content_sid, draft.content_variables, draft.to)
        or content.refuse_media(draft.media)
    )


def _delivery(draft: Draft, _: Account) -> Refusal | None:
    period = draft.validity_period
    if period and not (period.isascii() and period.isdigit() and 1 <= int(period) <= 36_000):
        return errors.INVALID_VALIDITY.about(period)
    return None


def _schedule(draft: Draft, _: Account) -> Refusal | None:
    if not draft.scheduled:
        return None
    if not draft.service_sid:
        return errors.SCHEDULE_NEEDS_SERVICE
    if draft.send_at is None:
        return errors.SEND_AT_MISSING
    return None if _SOONEST <= draft.send_at - moments.now() <= _LATEST else errors.SEND_AT_RANGE


def _options(draft: Draft, _: Account) -> Refusal | None:
    params = dict(draft.params)
    for name, values in _VALUES.items():
        if name in params and params[name] not in values:
            return errors.INVALID_PARAMETER.about(name)
    if params.get("ShortenUrls", "").lower() == "true" and not draft.service_sid:
        return errors.INVALID_PARAMETER.about("ShortenUrls")
    return None


_CHECKS: tuple[Callable[[Draft, Account], Refusal | None], ...] = (
    _given,
    _fallback,
    _addresses,
    _content,
    _delivery,
    _options,
    _schedule,
)


def _moment(text: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
