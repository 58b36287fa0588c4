"""How a call to Twilio ended: what it created, that nothing was done and why, or that nobody knows."""

from typing import NamedTuple

from services.domain.outbox.facts import Created, Refused, Unknown


class Refusal(Refused, frozen=True, kw_only=True):
    """Nothing was done. `retryable`: the same call may succeed later, not before `retry_after` seconds, for which the
    whole account waits, nor before `look_again_s`, which is the command's alone.

    `called`: an attempt was made to reach Twilio; `reached`: it was Twilio that said so. `ours`: it is a word of our
    own about the command, and says nothing of Twilio. `too_many`: it was one call too many.
    """

    retryable: bool = False
    retry_after: float | None = None
    look_again_s: float | None = None
    ours: bool = False
    called: bool = True
    reached: bool = True
    too_many: bool = False
    # What Twilio said, where it said it.
    body: bytes = b""


class Taken(NamedTuple):
    """Twilio did what it was told; `body` is its answer."""

    body: bytes


Outcome = Created | Refusal | Unknown
