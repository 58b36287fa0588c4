"""By which channel a message goes, read off its addresses and its sid."""

UNKNOWN = ""
# An MMS is a text message that has media.
_SAME_CHANNEL = {"mms": "sms"}


def channel_of(address: str) -> str:
    """`whatsapp`, `rcs` …: what stands before the colon; `sms` where nothing does."""
    name, colon, _ = address.strip().partition(":")
    if not colon:
        return "sms" if name else UNKNOWN
    channel = name.lower() if name.isascii() and name.isalpha() and len(name) <= 16 else UNKNOWN
    return _SAME_CHANNEL.get(channel, channel)


def went_by(message_sid: str, *addresses: str) -> str:
    """The channel of a message by its addresses, and of a text by its sid: `mms` where that has media."""
    named = {channel_of(address) for address in addresses} - {"sms", UNKNOWN}
    return min(named) if named else "mms" if message_sid.startswith("MM") else "sms"
