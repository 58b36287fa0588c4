"""What a verdict was made of: from it anyone can judge again."""

from typing import Literal

import msgspec

from services.domain.gate.question import Question
from services.domain.gate.view import View


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What a verdict was made of. `offsets`: topic → the offset up to which the contact's partition was read.

    `goes_as`: of a command that has both, which of them goes; or `link`: its text with a link in place of its media.
    """

    question: Question
    view: View
    offsets: dict[str, int]
    goes_as: Literal["freeform", "template", "link"] | None = None
