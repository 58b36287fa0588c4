"""Messaging's `Deactivations`: US numbers that carriers took back on a day; `PUT /simulator/deactivations` makes lists.

Confirmed by Twilio's OpenAPI and its page: `Date` (YYYY-MM-DD) must be given; the answer is 307 with `redirect_to`, a
signed URL of a text file that is good for two minutes. Storage of that kind refuses a request that has both a signature
and an `Authorization` header; so does this.

Not confirmed: that `Location` names the file too; how the file writes a number (here E.164 without a plus, a line
each); with which status a day that has no list is answered (here 400; the code, 30114, is in Twilio's dictionary), and
what is answered for a date that is none (here 20001).
"""

import secrets
from datetime import date

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.simulator import errors
from services.simulator.accounts import Account
from services.simulator.guard import guarded, refused
from services.simulator.paging import origin
from services.simulator.service import Simulator
from services.simulator.told import invalid


class DeactivationsRequest(BaseModel):
    """By date, the lines of its list. `beside`: so many numbers of nobody's more; `cut`: the file breaks off."""

    model_config = ConfigDict(extra="forbid")

    lists: dict[str, list[str]] = {}
    beside: int = Field(default=0, ge=0, le=5_000_000)
    cut: bool = False


class DeactivationsApi:
    """The lists, and their files."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._set = DeactivationsRequest()
        self._signature = secrets.token_hex(8)
        self._read: list[str] = []
        simulator.resets.append(self._clear)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/v1/Deactivations", guarded(self._simulator, self._fetch, "messaging")),
            web.get("/simulator/files/deactivations/{date}.txt", self._file),
            web.put("/simulator/deactivations", self._steer),
            web.get("/simulator/deactivations", self._told),
        ]

    async def _clear(self) -> None:
        self._set = DeactivationsRequest()
        self._read.clear()

    async def _fetch(self, request: web.Request, _: Account) -> web.StreamResponse:
        try:
            asked = date.fromisoformat(request.query.get("Date", "")).isoformat()
        except ValueError:
            return refused(errors.INVALID_PARAMETER.about("Date"))
        if asked not in self._set.lists:
            return refused(errors.NO_DEACTIVATIONS_YET)
        file = f"{origin(request)}/simulator/files/deactivations/{asked}.txt?X-Amz-Signature={self._signature}"
        return web.json_response({"redirect_to": file}, status=307, headers={"Location": file})

    async def _file(self, request: web.Request) -> web.StreamResponse:
        asked = request.match_info["date"]
        if "Authorization" in request.headers:
            return web.Response(status=400, text="Only one auth mechanism allowed")
        if request.query.get("X-Amz-Signature") != self._signature or asked not in self._set.lists:
            return web.Response(status=403)
        lines = [one.removeprefix("+") for one in self._set.lists[asked]]
        body = "".join(f"{line}\n" for line in lines).encode()
        answer = web.StreamResponse(headers={"Content-Type": "text/plain"})
        answer.content_length = len(body) + 12 * self._set.beside
        await answer.prepare(request)
        await answer.write(body)
        for first in range(0, self._set.beside, 1000):
            if self._set.cut and first:
                raise ConnectionResetError
            numbers = range(first, min(first + 1000, self._set.beside))
            await answer.write("".join(f"1302{2_000_000 + number}\n" for number in numbers).encode())
        self._read.append(asked)
        return answer

    async def _steer(self, request: web.Request) -> web.Response:
        try:
            self._set = DeactivationsRequest.model_validate_json(await request.read())
        except ValidationError as error:
            return invalid(error)
        return await self._told(request)

    async def _told(self, _: web.Request) -> web.Response:
        return web.json_response({"dates": sorted(self._set.lists), "read": self._read})
