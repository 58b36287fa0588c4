"""Errors on demand, by an address of either end: codes with which a create is refused, or a message ends.

Which codes Twilio answers to a create for its media, and which come by callback, is not confirmed: any may be asked
for.
"""

from collections.abc import Mapping

from services.simulator.creation import Draft
from services.simulator.errors import Refusal

# Codes that Twilio answers with another status than 400.
_STATUS = {20003: 401, 20404: 404, 20429: 429}


class AskedErrors:
    """`refused`, `undelivered`: address (as in To or From), or Messaging Service, → error code. `media`: the same as
    `refused`, of creates with media alone."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self.refused: Mapping[str, int] = {}
        self.undelivered: Mapping[str, int] = {}
        self.media: Mapping[str, int] = {}

    def set(self, refused: Mapping[str, int], undelivered: Mapping[str, int], media: Mapping[str, int]) -> None:
        """From now on these, and no others."""
        self.refused, self.undelivered, self.media = refused, undelivered, media

    def refusal(self, draft: Draft) -> Refusal | None:
        """Why this create is refused, or None."""
        code = _of(self.refused, draft, draft.sender)
        if code is None and draft.media:
            code = _of(self.media, draft, draft.sender)
        return None if code is None else Refusal(_STATUS.get(code, 400), code, "Refused, as the simulator was asked to")

    def end(self, draft: Draft, sender: str) -> int | None:
        """The code with which this message ends undelivered, or None."""
        return _of(self.undelivered, draft, sender)


def _of(codes: Mapping[str, int], draft: Draft, sender: str | None) -> int | None:
    names = (draft.to, sender or "", draft.service_sid or "")
    return next((codes[name] for name in names if name in codes), None)
