"""Webhook URLs: which ones are ours, which is wanted where, and the retries that they ask of Twilio. Pure."""

from typing import Literal, NamedTuple
from urllib.parse import SplitResult, urlsplit

Role = Literal["messages", "fallback", "status"]
Fit = Literal["none", "ours", "astray", "another's"]

# Appended to what we set. By default Twilio tries once more, and only where it could not connect; an answer that it may
# wait 15 s for, of 15 s for all tries, would leave no time for another. Of tt, 15 s is the most and the default.
RETRIES = {"rc": "4", "rp": "5xx,ct,rt", "rt": "4000", "tt": "15000"}
# Where a new number's URL leads.
_PLACEHOLDER = "demo.twilio.com"
_DEFAULT_PORTS = {"http": 80, "https": 443}


class Base(NamedTuple):
    """Where webhooks go: `public_url`, and whose. `tenant` is empty for the URL that all share.

    `others`: tenants that have the same account, whose URLs are as good.
    """

    public_url: str
    tenant: str
    others: tuple[str, ...] = ()

    def wanted(self, role: Role) -> str:
        """The tenant's own URL, with our retries."""
        return with_retries(f"{self.public_url}{_path(self.tenant, role)}")

    def fit(self, url: str, role: Role) -> Fit:
        """What a URL is to us. ours: it leads to a tenant of the account; astray: to our host, and to none of it there.

        The URL that all tenants share (`/twilio/messages`) is this tenant's too. What is before the host (credentials)
        and behind the path (a query, a fragment) is its owner's.
        """
        parts = urlsplit(url)
        if not url.strip() or parts.hostname == _PLACEHOLDER:
            return "none"
        ours = urlsplit(self.public_url)
        if _place(parts) != _place(ours):
            return "another's"
        path = parts.path.rstrip("/")
        own = {f"{ours.path}{_path(name, role)}" for name in ("", self.tenant, *self.others)}
        return "ours" if path in own else "astray" if path.startswith(f"{ours.path}/twilio/") else "another's"

    def named(self, url: str, role: Role) -> str | None:
        """Which of the tenants it names, if it is ours and names any."""
        if self.fit(url, role) != "ours":
            return None
        path, before = urlsplit(url).path.rstrip("/"), urlsplit(self.public_url).path
        return next((name for name in self.others if path == f"{before}{_path(name, role)}"), None)


def with_retries(url: str) -> str:
    """The URL with those of RETRIES that its fragment does not state; what it states is its owner's choice."""
    target, _, fragment = url.partition("#")
    stated = [part for part in fragment.split("&") if part]
    names = {part.partition("=")[0] for part in stated}
    return f"{target}#{'&'.join(stated + [f'{name}={value}' for name, value in RETRIES.items() if name not in names])}"


def _path(tenant: str, role: Role) -> str:
    return f"/twilio/{tenant}/{role}" if tenant else f"/twilio/{role}"


def _place(parts: SplitResult) -> tuple[str, str, int | None]:
    scheme = parts.scheme.lower()
    try:
        port = parts.port
    except ValueError:
        port = -1
    return scheme, (parts.hostname or "").rstrip("."), port or _DEFAULT_PORTS.get(scheme)
