"""Who may call, and whose secret signs: the tenants' accounts and their subaccounts."""

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, replace

from services.runtime.tenants.settings import TenantSettings


@dataclass(frozen=True)
class Account:
    """One account or subaccount, in one region.

    `secrets`: the (user, password) pairs that open it. `signing_token`: the first auth
    token, which signs its webhooks. `signing_keys`: (id, secret) pairs that may sign in its place.
    `senders`: the addresses it owns; empty means that every well-formed one is taken for its own.
    """

    sid: str
    tenant: str
    signing_token: str
    secrets: tuple[tuple[str, str], ...]
    senders: tuple[str, ...]
    signing_keys: tuple[tuple[str, str], ...] = ()
    region: str = "us1"

    def opened_by(self, user: str, password: str) -> bool:
        """Whether these credentials open the account; compared without leaking where they differ."""
        given = f"{user}:{password}".encode()
        return any(hmac.compare_digest(given, f"{name}:{secret}".encode()) for name, secret in self.secrets)


def accounts_of(tenants: Mapping[str, TenantSettings]) -> dict[str, Account]:
    """Account by sid. A main account's tokens open its subaccounts too; its API key opens itself alone."""
    found: dict[str, Account] = {}
    for name, tenant in tenants.items():
        for account in _of_tenant(name, tenant):
            known = found.get(account.sid)
            found[account.sid] = _joined(known, account) if known else account
    return found


def _joined(one: Account, other: Account) -> Account:
    """An account that several tenants have is one, and owns what any of them lists. The first signs."""
    return replace(
        one,
        secrets=tuple(dict.fromkeys(one.secrets + other.secrets)),
        senders=tuple(dict.fromkeys(one.senders + other.senders)) if one.senders and other.senders else (),
    )


def _of_tenant(name: str, tenant: TenantSettings) -> list[Account]:
    # A sender given as MG… is a Messaging Service, not an address that can be a From.
    senders = tuple(sender for sender in tenant.allowed_senders if not sender.startswith("MG"))
    main = tuple((tenant.account_sid, token.get_secret_value()) for token in tenant.auth_tokens)
    key: tuple[tuple[str, str], ...] = ()
    if tenant.api_key_sid and tenant.api_key_secret:
        key = ((tenant.api_key_sid, tenant.api_key_secret.get_secret_value()),)
    shared = tuple((id_, secret.get_secret_value()) for id_, secret in tenant.signing_keys.items())
    accounts = [Account(tenant.account_sid, name, main[0][1], main + key, senders, shared, tenant.region)]
    for sid, tokens in tenant.subaccounts.items():
        own = tuple((sid, token.get_secret_value()) for token in tokens)
        # Of one whose token nobody named the parent's signs here, so that it is not silent; Twilio's would be its own.
        accounts.append(Account(sid, name, (own or main)[0][1], own + main, senders, shared, tenant.region))
    return accounts


def basic_credentials(header: str | None) -> tuple[str, str] | None:
    """(user, password) from an Authorization header, or None when it is not HTTP Basic."""
    scheme, _, encoded = (header or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (user, password) if colon else None
