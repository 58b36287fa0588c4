"""What the sender itself does with a command, and how that ended."""

from typing import Any, Literal

import msgspec

from services.domain.outbox.verdicts import Verdict
from services.domain.spend.budgets import Spend


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """A pending command was refused or deferred. Without a receipt it is its lane that is stopped.

    `receipt`: what the verdict was made of, told with it.
    """

    order_key: str
    command_id: str
    at: str
    verdict: Verdict
    receipt: Any = None


class Released(msgspec.Struct, frozen=True, kw_only=True):
    """What a deferred command waited for is over."""

    order_key: str
    command_id: str
    at: str
    condition: str


class Attempting(msgspec.Struct, frozen=True, kw_only=True):
    """A call is about to be made, if it can be made before `deadline`.

    `purpose`: by whose caps it counts, should it create something; None: by none. `spend`: what of a budget it takes;
    None: nobody knows.
    """

    order_key: str
    command_id: str
    at: str
    attempt: int
    deadline: str
    purpose: str | None = None
    spend: Spend | None = None
    receipt: Any = None


class Created(msgspec.Struct, frozen=True, kw_only=True):
    """Twilio did what it was asked to. Each product has one of its own; `sid`: of what was created. `note`: what else
    is to be said of it."""

    sid: str
    note: str | None = None


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """Twilio refused, or was never reached: nothing was created. `retry_at` when it will be tried again.

    A `retry_at` that is not later than the attempt's end: nobody was called, and the command keeps its place. So it
    does where somebody else is at `fault`: then its lane stops. `conflict`: the SID of what stands in its way, where
    its product knows of such. `request_id`: by which Twilio's support finds the call.
    """

    code: int | None
    reason: str
    retry_at: str | None = None
    fault: Literal["house", "account", "sender"] | None = None
    conflict: str | None = None
    request_id: str | None = None


class Unknown(msgspec.Struct, frozen=True, kw_only=True):
    """The call was made and its end is not known: it may have been done. `request_id`: see Refused."""

    reason: str
    request_id: str | None = None


class Attempted(msgspec.Struct, frozen=True, kw_only=True):
    """How an attempt ended."""

    order_key: str
    command_id: str
    at: str
    attempt: int
    outcome: Created | Refused | Unknown


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """It was found out otherwise how an ambiguous command ended: `how` says in which way."""

    order_key: str
    command_id: str
    at: str
    created: Created
    how: str


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What a resolution names was looked up at Twilio. `refused`: why it is not this command's; `created`: it is."""

    order_key: str
    command_id: str
    at: str
    resolution: str
    refused: str | None = None
    created: Created | None = None
