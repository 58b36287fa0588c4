"""Files that people send, as Twilio keeps them: fetched with the account's credentials, by way of a second host.

Confirmed by Twilio's pages and by reports of people who fetch them: Basic authentication at the API's host, then a
redirect to a signed link elsewhere, which takes no credentials beside its signature (S3 answers 400 to both). Reports
tell of 307 and of 302; here it is 307. Not confirmed: how long the link lives; what a deleted medium answers beside
404 with 20404, as here.
"""

from aiohttp import web

from services.simulator import errors
from services.simulator.accounts import Account
from services.simulator.files import sid_of
from services.simulator.guard import guarded, not_found, refused
from services.simulator.message import API_VERSION, Message
from services.simulator.service import Simulator

_MEDIUM = f"/{API_VERSION}/Accounts/{{account_sid}}/Messages/{{sid}}/Media/{{medium}}"
_CDN = "/simulator/cdn/{link}"
# The same listener by another name: whoever hands credentials on does so to another host.
_OTHER_NAME = {"127.0.0.1": "localhost", "localhost": "127.0.0.1"}


class FilesApi:
    """What a `MediaUrl` answers."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def routes(self) -> list[web.RouteDef]:
        return [web.get(_MEDIUM, guarded(self._simulator, self._fetch))]

    async def _fetch(self, request: web.Request, account: Account) -> web.StreamResponse:
        files, sid = self._simulator.files, request.match_info["medium"]
        message = self._simulator.store.find(account.sid, request.match_info["sid"])
        gone = (request.match_info["sid"], sid) in files.deleted
        if message is None or gone or sid not in _sids(message) or files.of(sid) is None:
            return not_found(request)
        here = request.url.origin()
        other = here.with_host(_OTHER_NAME.get(here.host or "", "localhost"))
        location = other.with_path(_CDN.format(link=files.link(sid)))
        return web.Response(status=307, headers={"Location": str(location)})


class CdnApi:
    """The second host: who has the link needs nothing else, and may bring nothing else."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def routes(self) -> list[web.RouteDef]:
        return [web.get(_CDN, self._serve), web.get("/simulator/leaks", self._leaks)]

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        files = self._simulator.files
        if "Authorization" in request.headers:
            files.leaks += 1
            return refused(errors.INVALID_PARAMETER.about("Authorization"))
        file = files.behind(request.match_info["link"])
        if file is None:
            return not_found(request)
        return web.Response(body=file.content, headers={"Content-Type": file.declared})

    async def _leaks(self, _: web.Request) -> web.Response:
        return web.json_response({"leaks": self._simulator.files.leaks})


def _sids(message: Message) -> list[str]:
    return [sid_of(message.sid, place) for place in range(len(message.media))]
