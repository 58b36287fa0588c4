"""What a person writes, before Twilio makes a message of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Medium = tuple[str, str]


@dataclass(frozen=True)
class Written:
    """`sender` as the webhook shows it; `phone` and `scoped_id` as far as WhatsApp knows them.

    `media`: (URL, content type) pairs. `extra` adds fields to the webhook or replaces them. `service_sid`: the
    Messaging Service that was written to, when it is not the number's own. `lost`: no webhook tells of it.
    """

    sender: str
    to: str
    body: str = ""
    media: tuple[Medium, ...] = ()
    extra: Mapping[str, str] = field(default_factory=dict)
    service_sid: str | None = None
    phone: str | None = None
    scoped_id: str | None = None
    lost: bool = False
