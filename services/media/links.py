"""Signed links for consumers: `GET /v1/links/{object key}`, with a bearer token of the settings."""

import hmac
from collections.abc import Mapping

from aiohttp import web

from services.domain.clock import later
from services.media.storage import Storage, StorageAway
from services.runtime.clock import now
from services.runtime.sections.media import MediaWorkerSettings
from services.runtime.tokens import digest

_UNKNOWN = "a token is needed, as `Authorization: Bearer …`; `switchboard token new` makes one for media.tokens"


def routes(settings: MediaWorkerSettings, storage: Storage) -> list[web.RouteDef]:
    """A link is for one object under the prefix, for `link_s` seconds. Whether the object is there is not asked."""
    known = [one.sha256 for one in settings.tokens.values()]

    async def link(request: web.Request) -> web.Response:
        if not _admitted(request.headers, known):
            return web.json_response({"error": _UNKNOWN}, status=401, headers={"WWW-Authenticate": "Bearer"})
        key = request.match_info["key"]
        if not key.startswith(settings.storage.prefix) or ".." in key.split("/"):
            return web.json_response({"error": "no object of media.storage.prefix"}, status=404)
        try:
            url = await storage.link(key, settings.link_s)
        except ValueError:
            return web.json_response({"error": "no object has such a name"}, status=404)
        except StorageAway as error:
            return web.json_response({"error": f"no link can be signed: {error}"}, status=503)
        answer = {"url": url, "expires_at": later(now(), settings.link_s)}
        return web.json_response(answer, headers={"Cache-Control": "no-store"})

    return [web.get("/v1/links/{key:.+}", link)]


def _admitted(headers: Mapping[str, str], known: list[str]) -> bool:
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        return False
    told = digest(token.strip())
    # In a time that tells nothing of how much agrees.
    return sum(hmac.compare_digest(told, one) for one in known) > 0
