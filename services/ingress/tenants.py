"""What every webhook needs of a tenant's settings, made ready once: tokens as bytes, counters bound."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from prometheus_client import Counter

from services.domain.messages.callback_keys import CallbackKeys
from services.ingress import metrics
from services.runtime.section import Secret
from services.runtime.tenants.settings import TenantSettings

SHA1, SHA256 = "HMAC_SHA1", "HMAC_SHA256"


class Keys(NamedTuple):
    """Who may have signed, and how: auth tokens by HMAC_SHA1, or one shared key by HMAC_SHA256."""

    algorithm: str
    secrets: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Tenant:
    """`tokens` sign for the account itself; a subaccount signs with its own, and only with those. Shared keys by id.

    `facts`: by kind of webhook; bound, for looking labels up costs more than counting.
    """

    name: str
    account_sid: str
    tokens: Keys
    subaccounts: dict[str, Keys]
    signing_keys: dict[str, Keys]
    flow_secrets: tuple[bytes, ...]
    contact_secret: bytes
    callback_ring: CallbackKeys
    facts: Mapping[str, Counter]

    def tokens_of(self, account_sid: str) -> Keys:
        """The tokens that may have signed for this account."""
        return self.subaccounts.get(account_sid, self.tokens)

    def owns(self, account_sid: str) -> bool:
        """Whether this is the tenant's account or one of its subaccounts."""
        return account_sid == self.account_sid or account_sid in self.subaccounts


def prepare(kinds: Iterable[str], name: str, settings: TenantSettings) -> Tenant:
    """A tenant ready for use. `kinds`: of webhooks that it may get."""
    return Tenant(
        name=name,
        account_sid=settings.account_sid,
        tokens=_tokens(settings.auth_tokens),
        subaccounts={sid: _tokens(tokens) for sid, tokens in settings.subaccounts.items()},
        signing_keys={key: Keys(SHA256, _bytes([secret])) for key, secret in settings.signing_keys.items()},
        flow_secrets=_bytes(settings.flow_secrets),
        contact_secret=settings.contact_secret.get_secret_value().encode(),
        callback_ring=settings.callback_ring,
        facts={kind: metrics.FACTS.labels(name, kind) for kind in kinds},
    )


def _tokens(secrets: list[Secret]) -> Keys:
    return Keys(SHA1, _bytes(secrets))


def _bytes(secrets: list[Secret]) -> tuple[bytes, ...]:
    return tuple(secret.get_secret_value().encode() for secret in secrets)
