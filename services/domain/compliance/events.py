"""What the log holds of registrations with US carriers (`twilio.compliance.v1`)."""

from typing import Literal

import msgspec

# A value is written whole, and a record has less than a megabyte.
MOST_NUMBERS = 4000
MOST_REGISTRATIONS = 1000


class Brand(msgspec.Struct, frozen=True, kw_only=True):
    """A business at The Campaign Registry. `score`: its trust score, of secondary vetting where there was one."""

    sid: str
    status: str
    type: str = ""
    score: int | None = None
    identity: str = ""
    mock: bool = False
    reason: str | None = None


class Campaign(msgspec.Struct, frozen=True, kw_only=True):
    """What a Messaging Service is registered for. Its numbers are those of the service.

    `links`, `phones`: whether its messages hold links, and phone numbers; null where Twilio does not say. `att_class`,
    `att_rate`: how AT&T classes it, and what it takes; `tmobile_tier`: T-Mobile's of the brand.
    """

    sid: str
    service: str
    status: str
    brand: str = ""
    usecase: str = ""
    links: bool | None = None
    phones: bool | None = None
    att_class: str | None = None
    att_rate: float | None = None
    tmobile_tier: str | None = None
    mock: bool = False
    reason: str | None = None


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """What a toll-free number is verified for."""

    sid: str
    number: str
    status: str
    code: int | None = None
    reason: str | None = None


class ComplianceStated(msgspec.Struct, frozen=True, kw_only=True):
    """All that one account of a tenant has registered (keyed by tenant and account, compacted; a tombstone: it is
    gone). Read whole, and stated at once: no number is on its way from one service to another in it.

    `numbers`: its +1 numbers, long codes and toll-free. `services`: each with its members, by SMS, MMS and RCS. What is
    in neither is not known. `at`: when a list said so first.
    """

    event_type: Literal["compliance_stated"] = "compliance_stated"
    event_id: str
    tenant: str
    account: str
    at: str
    brands: list[Brand] = []
    campaigns: list[Campaign] = []
    verifications: list[Verification] = []
    numbers: list[str] = []
    services: dict[str, list[str]] = {}


def key_of(event: ComplianceStated) -> str:
    """`acme|AC…`."""
    return f"{event.tenant}|{event.account}"
