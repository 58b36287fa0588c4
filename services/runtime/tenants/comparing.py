"""What a change of tenants' files means, and for whom. Secrets are compared, and never shown."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pydantic import SecretStr

from services.runtime.tenants.files import Found
from services.runtime.tenants.live import Tenants
from services.runtime.tenants.settings import TenantSettings

# By key, what follows from another value; the longest that a key begins with counts.
_MEANS = {
    "state": "closed: nothing is sent, commands end blocked, webhooks are still taken. open: it sends again",
    "auth_tokens": "webhooks signed by any of these are believed; calls are made by the first, or by the API key",
    "subaccounts": "webhooks of these accounts are believed, and signed by their own tokens alone",
    "signing_keys": "webhooks are believed that name one of these keys and are signed by it",
    "flow_secrets": "flows' HTTP widgets are believed that give one of these; those with one that is gone get 403",
    "callback_keys": "each signs callbacks' URLs from its time on, and is believed for 60 days after the next began",
    "producer_keys": "commands are believed that one of these keys has signed; those of a key that is gone are refused",
    "unsigned_commands": "refused: of this tenant's commands on the shared topics only signed ones are taken, and "
    "opt-outs; taken: anybody's",
    "region": "calls go to this region's host from now on, and its credentials must be this region's",
    "api_key": "calls to Twilio are made by this key from now on",
    "keywords": "what people write from now on is answered and told by these rules; commands are made by them, of what "
    "waits for its own too",
    "frequency": "judged by at every attempt from now on; what was sent before counts",
    "quiet_hours": "judged by at every attempt from now on; what waits for the day already is looked at when it comes",
    "twilio_answers": "what Twilio is believed to answer itself, and ingress leaves to it",
    "default_region": "numbers without + in new commands are read as of this country",
    "compliance": "judged by at every attempt from now on; what waits for a registration is looked at again",
    "allowed_senders": "commands from other senders end blocked, those that wait too; empty: none do",
    "recipients": "commands to others end blocked, those that wait too; left out: none do",
    "dry_run": "true: all is judged and nothing sent, and commands end blocked",
    "routing": "new commands that name no sender go by these; those accepted before keep theirs",
    "rate_limits": "the pace of each sender from now on",
    "consent.stop_words": "messages that come from now on are opt-outs by these words; earlier ones stay as they are",
    "consent.start_words": "messages that come from now on are opt-ins by these words; earlier ones stay as they are",
    "consent.not_stop_words": "these standard words stop nobody from now on; who said one before stays stopped",
    "consent.suspected": "judged by at every attempt from now on, of commands that wait too",
    "consent.confirm": "answered so from now on",
    "consent": "the gate judges by it at every attempt from now on, also commands that wait",
}


class Change(NamedTuple):
    """One tenant's change: the key, what it was and is (no secrets), and what that means."""

    tenant: str
    key: str
    was: str
    now: str
    means: str


class Compared(NamedTuple):
    changes: list[Change]
    # What a running service would refuse, or cannot use.
    refused: list[str]
    # What it would take, and do harm by.
    harmful: list[str]


def compared(old: Found, new: Found, at: str) -> Compared:
    """What a running service that had read `old` makes of `new`, at this time."""
    tenants = Tenants()
    tenants.take(old)
    before = dict(tenants)
    tenants.take(new)
    after = dict(tenants)
    harm = [one for name in sorted(before.keys() & after.keys()) for one in _harm(name, before[name], after[name], at)]
    return Compared(list(_changes(before, after)), tenants.troubles(), harm)


def _harm(name: str, was: TenantSettings, now: TenantSettings, at: str) -> Iterator[str]:
    old, new = was.callback_ring, now.callback_ring
    if new.signing(at, lambda _: False) not in old.all:
        yield (
            f"{name}: callback_keys: a new key is dated a month back or more, so it signs at once, and an ingress that "
            "has not read it does not believe it: put it under a time from now on"
        )
    if set(old.believed(at)) - set(new.believed(at)):
        yield (
            f"{name}: callback_keys: a key is taken off, or replaced, by which callbacks are signed that still come: "
            "these would be taken without their command. Keep it for 60 days after the next one began"
        )


def _changes(before: Mapping[str, TenantSettings], after: Mapping[str, TenantSettings]) -> Iterator[Change]:
    for name in sorted({*before, *after}):
        if name not in before:
            yield Change(name, "", "no tenant", "added", "its webhooks are taken, and its commands that waited are too")
        elif name not in after:
            yield Change(name, "", "closed", "removed", "its webhooks get 404, and its commands end rejected")
        else:
            was, now = _flat(before[name]), _flat(after[name])
            for key in sorted({*was, *now}):
                if was.get(key) != now.get(key):
                    yield Change(name, key, _told(was.get(key)), _told(now.get(key)), _meaning(key))


def _flat(tenant: TenantSettings) -> dict[str, Any]:
    """Every key with its value; those of sections by their path."""
    found: dict[str, Any] = {}
    for key, value in tenant:
        if hasattr(value, "model_fields_set"):
            found |= {f"{key}.{inner}": one for inner, one in value}
        else:
            found[key] = value
    return found


def _told(value: Any) -> str:
    match value:
        case SecretStr():
            return "a secret"
        case list() | tuple():
            return f"[{', '.join(map(_told, value))}]"
        case dict():
            return f"{{{', '.join(f'{key}: {_told(one)}' for key, one in value.items())}}}"
        case None:
            return "nothing"
    return str(value)


def _meaning(key: str) -> str:
    found = [prefix for prefix in _MEANS if key.startswith(prefix)]
    return _MEANS[max(found, key=len)] if found else "counts from now on"
