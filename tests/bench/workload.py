"""What Twilio would send: status callbacks of 560 bytes, signed by Twilio's own library; and the facts they become."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from urllib.parse import urlencode

from twilio.request_validator import RequestValidator

from services.contract import codec
from services.contract.messages import STATUS
from services.domain.messages.commands import SendMessage
from services.ingress.messages import translate
from services.ingress.messages.translate import Arrival

TENANT = "acme"
ACCOUNT = "AC" + "5e" * 16
TOKEN = "bench-auth-token-0123456789abcdef"
CONTACT_SECRET = "bench-contact-secret"
# Behind a proxy, as in production: the URL that is signed is not the one that is listened on.
PUBLIC_URL = "https://hooks.example.com"
PATH = f"/twilio/{TENANT}/status"
INBOUND_PATH = f"/twilio/{TENANT}/messages"
SENDER = "+14155550100"
STATUSES = ("queued", "sent", "delivered")

_BODY_BYTES = 560
# Messages under way at a time.
_WAVE = 20_000
_SERVICE = "MG" + "7a" * 16
_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)

Pairs = list[tuple[str, str]]


def sid(number: int) -> str:
    return f"SM{number:032x}"


def callback(number: int, status: str) -> Pairs:
    """The parameters of one status callback, padded to 560 bytes by one that nobody knows."""
    to = f"+1415555{number % 10_000:04d}"
    pairs = [
        ("ApiVersion", "2010-04-01"),
        ("SmsSid", sid(number)),
        ("SmsStatus", status),
        ("SmsMessageSid", sid(number)),
        ("MessageSid", sid(number)),
        ("MessageStatus", status),
        ("AccountSid", ACCOUNT),
        ("MessagingServiceSid", _SERVICE),
        ("From", SENDER),
        ("To", to),
        ("RawDlrDoneDate", "2602211822"),
        ("Padding", ""),
    ]
    pairs[-1] = ("Padding", "x" * (_BODY_BYTES - len(urlencode(pairs))))
    return pairs


def requests(count: int, statuses: Sequence[str] = STATUSES) -> list[bytes]:
    """Whole HTTP requests, each callback distinct."""
    validator = RequestValidator(TOKEN)
    return [_request(validator, callback(number, status)) for number, status in _told(count, statuses)]


def inbound(number: int, body: str) -> bytes:
    """A whole HTTP request: a person, each another's, writes to us."""
    message_sid = f"SM{number:031x}b"
    pairs = [
        ("ApiVersion", "2010-04-01"),
        ("SmsSid", message_sid),
        ("SmsMessageSid", message_sid),
        ("MessageSid", message_sid),
        ("AccountSid", ACCOUNT),
        ("From", person(number)),
        ("To", SENDER),
        ("Body", body),
        ("NumMedia", "0"),
    ]
    return _request(RequestValidator(TOKEN), pairs, INBOUND_PATH)


def facts(count: int) -> Iterator[tuple[bytes, bytes]]:
    """Key and value of records as ingress writes them."""
    for place, (number, status) in enumerate(_told(count, STATUSES)):
        at = (_EPOCH + timedelta(milliseconds=place)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        arrival = Arrival(TENANT, CONTACT_SECRET.encode(), at, None)
        event = translate.status(arrival, callback(number, status), [])
        yield STATUS.key(event).encode(), codec.encode(event)


def person(number: int) -> str:
    """A valid phone number, each another's."""
    return f"+1415{2_000_000 + number}"


def commands(
    count: int,
    first: int = 0,
    not_before: str | None = None,
    sender: str | None = SENDER,
    label: str | None = None,
) -> Iterator[tuple[bytes, bytes]]:
    """Key and value of commands to send, each to another person."""
    for number in range(first, first + count):
        command = SendMessage(
            command_id=f"c{number}",
            tenant=TENANT,
            to=person(number),
            from_=sender,
            body="Your order is on its way.",
            not_before=not_before,
            label=label,
        )
        yield command.command_id.encode(), codec.encode(command)


def derived(count: int) -> int:
    """How many events the delivery fold derives from `facts(count)`: one each, and an outcome per message's end."""
    return count + sum(1 for _, status in _told(count, STATUSES) if status == STATUSES[-1])


def _told(count: int, statuses: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Message and status, wave after wave: a message's statuses come seconds apart, so others come between."""
    messages = -(-count // len(statuses))
    waves = (range(first, min(first + _WAVE, messages)) for first in range(0, messages, _WAVE))
    return islice(((number, status) for wave in waves for status in statuses for number in wave), count)


def _request(validator: RequestValidator, pairs: Pairs, path: str = PATH) -> bytes:
    body = urlencode(pairs).encode()
    signature = validator.compute_signature(PUBLIC_URL + path, dict(pairs))
    head = (
        f"POST {path} HTTP/1.1\r\nHost: hooks.example.com\r\nUser-Agent: TwilioProxy/1.1\r\nAccept: */*\r\n"
        f"Content-Type: application/x-www-form-urlencoded; charset=UTF-8\r\nContent-Length: {len(body)}\r\n"
        f"X-Twilio-Signature: {signature}\r\nI-Twilio-Idempotency-Token: {pairs[1][1]}-{pairs[2][1]}\r\n\r\n"
    )
    return head.encode() + body
