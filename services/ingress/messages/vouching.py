"""What only Twilio's own form has, and no other cut of a signed text: by this much a *yes* is believed.

Twilio signs names and values run together, without limit of time. Who has captured a signature can cut its text anew:
what somebody wrote in a message becomes a parameter. A *no* is believed all the same; a *yes* needs a form in which
every name is Twilio's, once, and in which the text says who wrote which message in one way only.
"""

import re
from collections.abc import Collection, Iterable

from services.domain.sids import MESSAGE
from services.ingress.parameters import Pairs

# In this order: the guide to webhook requests of 2026-03-09; the changelog of 2026-07-07, of WhatsApp's users without a
# number; seen in webhooks that people show, in no guide: the status, the kind of message, the channel, add-ons; the
# guide to TwiML for messages: what the fallback URL is told.
_DOCUMENTED = """
    MessageSid SmsSid SmsMessageSid AccountSid MessagingServiceSid From To Body NumMedia NumSegments ApiVersion
    FromCity FromState FromZip FromCountry ToCity ToState ToZip ToCountry Latitude Longitude Address Label
    ButtonText ButtonPayload ButtonType InteractiveData FlowData ChannelMetadata ListId ListTitle ListDescription
    ProfileName WaId Forwarded FrequentlyForwarded OriginalRepliedMessageSid OriginalRepliedMessageSender
    ReferralBody ReferralHeadline ReferralSourceId ReferralSourceType ReferralSourceUrl ReferralMediaId
    ReferralMediaContentType ReferralMediaUrl ReferralNumMedia ReferralCtwaClid OptOutType

    ExternalUserId ParentExternalUserId Username ProfileUsername

    SmsStatus MessageStatus MessageType ExternalUserIdentifier ParentExternalUserIdentifier AddOns
    ChannelPrefix ChannelInstallSid ChannelToAddress StructuredMessage EventType

    ErrorCode ErrorUrl
"""
_NAMES = frozenset(_DOCUMENTED.split())
_NUMBERED = re.compile(r"(?:MediaUrl|MediaContentType)[0-9]{1,2}", re.ASCII)
# What a form's text says of who wrote, and of which message: it stands there once, or always the same.
_WROTE = re.compile(r"From(?:[a-z]+:)?(?:\+?[0-9]{3}|[A-Z]{2}\.)")
_SIDS = re.compile(r"(?<!Replied)(?:Message|Sms)Sid((?:SM|MM)[0-9a-fA-F]{32})")


def unknown(pairs: Pairs, more: Collection[str] = ()) -> list[str]:
    """The names that are in none of Twilio's documents. `more`: what the settings add to them."""
    return [name for name, _ in pairs if name not in _NAMES and name not in more and not _NUMBERED.fullmatch(name)]


def vouched(pairs: Pairs, more: Collection[str] = ()) -> bool:
    """Whether a signed form can be Twilio's alone, so that a *yes* in it is one."""
    values = dict(pairs)
    sid = values.get("MessageSid", "")
    text = "".join(name + value for name, value in pairs)
    return (
        len(values) == len(pairs)
        and not unknown(pairs, more)
        and MESSAGE.fullmatch(sid) is not None
        and all(values.get(name, sid) == sid for name in ("SmsSid", "SmsMessageSid"))
        and _one(_SIDS.findall(text))
        and len(_WROTE.findall(text)) == 1
    )


def _one(said: Iterable[str]) -> bool:
    return len(set(said)) == 1
