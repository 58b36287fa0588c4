"""A message as Twilio keeps it, and the JSON of its resource."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import format_datetime

from services.simulator import moments
from services.simulator.errors import DELIVERY_ERRORS

API_VERSION = "2010-04-01"
FINAL = frozenset({"delivered", "undelivered", "failed", "read", "canceled", "received"})
_UNASSIGNED = frozenset({"accepted", "scheduled", "canceled"})


@dataclass(frozen=True)
class Message:
    """One message, inbound or outbound. Times are in UTC; `sender` is chosen at creation."""

    sid: str
    account_sid: str
    direction: str
    to: str
    sender: str
    body: str
    media: tuple[str, ...]
    messaging_service_sid: str | None
    segments: int
    status: str
    created_at: datetime
    updated_at: datetime
    sent_at: datetime | None = None
    error_code: int | None = None
    # Of all its segments; told from then on, if it was sent.
    price: Decimal | None = None
    price_unit: str = "USD"
    priced_at: datetime | None = None

    @property
    def billed(self) -> bool:
        """Whether it has its price now."""
        sent = self.status in FINAL and self.sent_at is not None
        return sent and self.priced_at is not None and self.priced_at <= moments.now()

    @property
    def shown_sender(self) -> str | None:
        """The sender as Twilio tells it: a Messaging Service assigns none before the message is queued."""
        return None if self.status in _UNASSIGNED else self.sender

    @property
    def uri(self) -> str:
        return f"/{API_VERSION}/Accounts/{self.account_sid}/Messages/{self.sid}"


def resource(message: Message) -> dict[str, object]:
    """Twilio's JSON of the message. Counts are strings there; the error code is a number."""
    return {
        "account_sid": message.account_sid,
        "api_version": API_VERSION,
        "body": message.body,
        "date_created": rfc2822(message.created_at),
        "date_sent": rfc2822(message.sent_at),
        "date_updated": rfc2822(message.updated_at),
        "direction": message.direction,
        "error_code": message.error_code,
        "error_message": DELIVERY_ERRORS.get(message.error_code) if message.error_code else None,
        "from": message.shown_sender,
        "messaging_service_sid": message.messaging_service_sid,
        "num_media": str(len(message.media)),
        # Without a sender the encoding is unknown, and Twilio says 0.
        "num_segments": str(message.segments if message.shown_sender else 0),
        "price": f"{-message.price:.5f}" if message.billed and message.price is not None else None,
        "price_unit": message.price_unit,
        "sid": message.sid,
        "status": message.status,
        "subresource_uris": {
            "media": f"{message.uri}/Media.json",
            "feedback": f"{message.uri}/Feedback.json",
        },
        "to": message.to,
        "uri": f"{message.uri}.json",
    }


def rfc2822(moment: datetime | None) -> str | None:
    """`Fri, 24 May 2019 17:44:46 +0000`, as Twilio writes times; None stays None."""
    return None if moment is None else format_datetime(moment.astimezone(UTC))
