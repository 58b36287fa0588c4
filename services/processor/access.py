"""Who asks, and what they may see: a bearer token of the settings, of one tenant or of all."""

import hmac
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import NamedTuple

from aiohttp import web

from services.runtime.tenants.live import Tenants
from services.runtime.tokens import TokenSettings, digest

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_UNKNOWN = (
    "a token is needed, as `Authorization: Bearer …`, and this is none that is known; `switchboard token new` makes "
    "one, and its hash belongs into the settings"
)
# Hashes are found by so much of them, and compared whole.
_FOUND_BY = 8


class Grant(NamedTuple):
    """What a token may see: of one tenant, or of all (None), masked or not."""

    name: str
    tenant: str | None
    unmasked: bool

    def covers(self, tenant: str) -> bool:
        return self.tenant is None or self.tenant == tenant


GRANT = web.RequestKey("grant", Grant)


class Access:
    """Knows the tokens that count now: those of the settings, and those of the tenants as they change."""

    def __init__(self, everybodys: Mapping[str, TokenSettings], tenants: Tenants) -> None:
        self._everybodys = everybodys
        self._tenants = tenants
        self._known: Mapping[str, list[tuple[str, Grant]]] = {}
        self._read(frozenset())
        tenants.listen(self._read)

    def grant(self, authorization: str | None) -> Grant | None:
        """What the bearer of this header may see; None: nothing."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            return None
        told = digest(token.strip())
        found = None
        for known, grant in self._known.get(told[:_FOUND_BY], ()):
            # In a time that tells nothing of how much agrees.
            if hmac.compare_digest(known, told):
                found = grant
        return found

    @web.middleware
    async def admit(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """Nobody is answered anything without a token that is known."""
        grant = self.grant(request.headers.get("Authorization"))
        if grant is None:
            return web.json_response({"error": _UNKNOWN}, status=401, headers={"WWW-Authenticate": "Bearer"})
        request[GRANT] = grant
        return await handler(request)

    def _read(self, _: frozenset[str]) -> None:
        known: defaultdict[str, list[tuple[str, Grant]]] = defaultdict(list)
        for tenant, name, token in self._all():
            known[token.sha256[:_FOUND_BY]].append((token.sha256, Grant(name, tenant, token.scope == "unmasked")))
        self._known = known

    def _all(self) -> Iterator[tuple[str | None, str, TokenSettings]]:
        for name, token in self._everybodys.items():
            yield None, name, token
        for tenant, settings in self._tenants.items():
            for name, token in settings.tokens.items():
                yield tenant, name, token
