"""By which channel, and by what of ours, a send command asks to go. Each function adds what is wrong to `faults`."""

from typing import cast

from services.domain.addresses import judge, our_sender
from services.domain.commands import NAMED_CHANNELS
from services.domain.contact import parts
from services.domain.messages.commands import Channel, SendMessage
from services.domain.sids import MESSAGING_SERVICE

_CHANNELS = frozenset({"sms", "mms", *NAMED_CHANNELS})
IN_WORDS = {"whatsapp": "WhatsApp", "rcs": "RCS", "messenger": "Messenger"}


def channel_of(command: SendMessage, faults: list[str]) -> Channel:
    """The channel that its addresses, or it itself, name."""
    to, sender = parts(command.to).channels, parts(command.from_ or "").channels
    named = {*to, *sender, command.channel}
    # An id of another channel is no recipient at all, which is said of `to`.
    if {*sender, *(to if judge(command.to).kind == "phone" else ())} - _CHANNELS:
        faults.append("to, from: another channel is named than sms, mms, whatsapp, rcs and messenger")
    apart = [one for one in IN_WORDS if one in named]
    if apart and (len(apart) > 1 or named & {"sms", "mms"}):
        faults.append(f"channel: {apart[0]} and another one are named; leave one of them out")
    if apart:
        return cast("Channel", apart[0])
    return "mms" if command.media_urls or command.send_as_mms or "mms" in named else "sms"


def service_of(command: SendMessage, faults: list[str]) -> str | None:
    """The Messaging Service that it goes by."""
    service = command.messaging_service_sid
    if service is None and command.from_ is None:
        faults.append("from, messaging_service_sid: give one of them, or configure routing for the tenant")
    if service is not None and not MESSAGING_SERVICE.fullmatch(service):
        faults.append("messaging_service_sid: must be MG and 32 hex digits")
    if service is None and command.shorten_urls:
        faults.append("shorten_urls: Twilio shortens links for Messaging Services alone; name one")
    return service


def fallback_of(command: SendMessage, channel: Channel, faults: list[str]) -> str | None:
    """Who sends where RCS reaches nobody. Twilio takes it beside a service alone, which has an RCS sender (21664 to
    21667); it tries that first."""
    given = command.fallback_from
    if given is None:
        return None
    if channel in IN_WORDS:
        told = "rcs: asks for RCS alone, so write `to` without it" if channel == "rcs" else "leave it out"
        faults.append(f"fallback_from: this goes by {IN_WORDS[channel]} and by nothing else; {told}")
    if command.from_ is not None:
        faults.append("fallback_from: the Messaging Service chooses its RCS sender itself; leave `from` out")
    elif command.messaging_service_sid is None:
        faults.append("fallback_from: needs a Messaging Service that has an RCS sender; name it")
    found = None if judge(given).channel else our_sender(given, "sms")
    if found is None:
        faults.append("fallback_from: neither E.164, a short code nor an alphanumeric sender")
    return found
