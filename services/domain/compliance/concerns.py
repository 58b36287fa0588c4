"""What is told of a message beside its verdict: where it does not fit what is registered, or a rule asks for."""

from typing import Literal

import msgspec

# `registration`: carriers do not let its sender write there. `purpose`, `link`, `phone`: its campaign is for another.
# `sender`, `opt_in`, `mms`: the country asks for another. `stop_text`, `help_text`: a first message does not say how
# to stop, or where help is.
Kind = Literal["registration", "purpose", "link", "phone", "sender", "opt_in", "mms", "stop_text", "help_text"]


class Concern(msgspec.Struct, frozen=True, kw_only=True):
    """`told`: in words. `blocks`: the tenant wants no such message to go."""

    kind: Kind
    told: str
    blocks: bool = False
