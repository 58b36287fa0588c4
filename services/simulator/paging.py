"""Pages of a list, as both of Twilio's APIs give them: by number and by token, so that what is new moves nothing.

Not confirmed: the form of a token. Here `PA…` begins after that sid, as in the list of messages.
"""

from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import urlencode

from aiohttp import web

from services.simulator.guard import path_of

Resource = dict[str, object]
_PAGING = ("Page", "PageSize", "PageToken")


class _Shown(NamedTuple):
    found: list[Resource]
    page: int
    size: int
    start: int
    uris: dict[str, str | None]


def page_2010(request: web.Request, key: str, found: list[Resource]) -> web.Response:
    """A page of the older API: URIs relative to the host."""
    shown = _shown(request, path_of(request), found)
    return web.json_response(
        {
            key: shown.found, "page": shown.page, "page_size": shown.size, "start": shown.start,
            "end": shown.start + max(len(shown.found) - 1, 0), "uri": shown.uris["this"],
            "first_page_uri": shown.uris["first"], "next_page_uri": shown.uris["next"],
            "previous_page_uri": shown.uris["previous"],
        }
    )  # fmt: skip


def page_v1(request: web.Request, key: str, found: list[Resource], name: str = "sid") -> web.Response:
    """A page of the newer APIs: absolute URLs, apart from the records. `name`: of what tells one from another."""
    shown = _shown(request, origin(request) + request.path, found, name)
    meta = {
        "key": key, "page": shown.page, "page_size": shown.size, "url": shown.uris["this"],
        "first_page_url": shown.uris["first"], "next_page_url": shown.uris["next"],
        "previous_page_url": shown.uris["previous"],
    }  # fmt: skip
    return web.json_response({key: shown.found, "meta": meta})


def origin(request: web.Request) -> str:
    return str(request.url.origin())


def _shown(request: web.Request, path: str, found: list[Resource], name: str = "sid") -> _Shown:
    """50 a page unless asked, 1000 at most."""
    page, size = (_number(request, one, default) for one, default in (("Page", 0), ("PageSize", 50)))
    size = min(max(size, 1), 1000)
    start, token = page * size, request.query.get("PageToken", "")
    if token.startswith("PA"):
        start = next((at + 1 for at, one in enumerate(found) if one[name] == token[2:]), len(found))
    shown = found[start : start + size]
    more = [(one, value) for one, value in request.query.items() if one not in _PAGING]
    after = [("PageToken", f"PA{shown[-1][name]}")] if shown else []
    return _Shown(
        shown,
        page,
        size,
        start,
        {
            "this": _url(path, more, size, page, [("PageToken", token)] if token else []),
            "first": _url(path, more, size, 0, []),
            "next": _url(path, more, size, page + 1, after) if start + size < len(found) else None,
            "previous": _url(path, more, size, page - 1, []) if page else None,
        },
    )


def _url(path: str, more: Iterable[tuple[str, str]], size: int, page: int, token: Iterable[tuple[str, str]]) -> str:
    return f"{path}?{urlencode([*more, ('PageSize', size), ('Page', page), *token])}"


def _number(request: web.Request, name: str, default: int) -> int:
    text = request.query.get(name, str(default))
    return int(text) if text.isascii() and text.isdigit() else 0
