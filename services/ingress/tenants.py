"""What ingress needs of a tenant's settings, made ready once: tokens as bytes, replies as TwiML."""

from dataclasses import dataclass
from typing import NamedTuple
from xml.sax.saxutils import escape

from prometheus_client import Counter

from services.ingress import metrics
from services.runtime.config import Secret, TenantSettings

NO_REPLY = b'<?xml version="1.0" encoding="UTF-8"?><Response/>'


class Counters(NamedTuple):
    """Bound once: looking labels up costs more than counting."""

    inbound: Counter
    status: Counter


@dataclass(frozen=True, slots=True)
class Tenant:
    """`tokens` sign for the account itself; a subaccount signs with its own, and only with those."""

    name: str
    account_sid: str
    tokens: tuple[bytes, ...]
    subaccounts: dict[str, tuple[bytes, ...]]
    contact_secret: bytes
    replies: dict[str, bytes]
    facts: Counters

    def tokens_of(self, account_sid: str) -> tuple[bytes, ...]:
        """The tokens that may have signed for this account."""
        return self.subaccounts.get(account_sid, self.tokens)

    def owns(self, account_sid: str) -> bool:
        """Whether this is the tenant's account or one of its subaccounts."""
        return account_sid == self.account_sid or account_sid in self.subaccounts

    def reply(self, body: str) -> bytes:
        """TwiML: the answer where the whole message is a keyword, in any case; else an empty one."""
        return self.replies.get(body.strip().casefold(), NO_REPLY) if self.replies else NO_REPLY


def prepare(name: str, settings: TenantSettings) -> Tenant:
    """A tenant ready for use."""
    return Tenant(
        name=name,
        account_sid=settings.account_sid,
        tokens=_tokens(settings.auth_tokens),
        subaccounts={sid: _tokens(tokens) for sid, tokens in settings.subaccounts.items()},
        contact_secret=settings.contact_secret.get_secret_value().encode(),
        replies={keyword.strip().casefold(): _twiml(text) for keyword, text in settings.replies.items()},
        facts=Counters(metrics.FACTS.labels(name, "inbound"), metrics.FACTS.labels(name, "status")),
    )


def _tokens(secrets: list[Secret]) -> tuple[bytes, ...]:
    return tuple(secret.get_secret_value().encode() for secret in secrets)


def _twiml(text: str) -> bytes:
    head = '<?xml version="1.0" encoding="UTF-8"?>'
    return f"{head}<Response><Message>{escape(text)}</Message></Response>".encode()
