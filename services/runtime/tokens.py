"""Bearer tokens of the query API: the settings know their hashes alone.

A token is 256 random bits, so a plain hash gives nothing away and a slow one would protect nothing more.
"""

import hashlib
import secrets
from typing import Annotated, Literal

from pydantic import Field

from services.runtime.section import Section

# Tells what a found text is, to people and to those who search for leaked secrets.
_PREFIX = "switchboard_"


class TokenSettings(Section):
    """A token, and what it may see."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="of the token; `switchboard token new` makes both")
    scope: Literal["masked", "unmasked"] = Field(
        default="masked", description="unmasked: whole numbers and texts; each such look is told on twilio.audit.v1"
    )


NAMES = r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$"
TokenName = Annotated[str, Field(pattern=NAMES)]


def draw() -> str:
    """A new token, by the operating system's random source."""
    return _PREFIX + secrets.token_urlsafe(32)


def digest(token: str) -> str:
    """What the settings have of a token: 64 hex digits."""
    return hashlib.sha256(token.encode()).hexdigest()
