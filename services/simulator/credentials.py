"""The part of the simulator's own API that rotates an account's credentials, as the console does at Twilio.

As Twilio documents it: a secondary token opens the account, the primary alone signs, and once the secondary is promoted
the former primary is dead at once. An API key opens its account until it is deleted. Not confirmed by anybody: how long
a promotion takes to reach all of Twilio; here it takes no time.
"""

from dataclasses import replace

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.simulator.service import Simulator
from services.simulator.told import invalid


class CredentialsRequest(BaseModel):
    """All that opens an account from now on: the primary token first; API keys by their sid."""

    model_config = ConfigDict(extra="forbid", strict=True)

    auth_tokens: list[str] = Field(min_length=1, max_length=2)
    api_keys: dict[str, str] = {}


class CredentialsApi:
    """`PUT /simulator/accounts/{sid}/credentials`."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def routes(self) -> list[web.RouteDef]:
        return [web.put("/simulator/accounts/{sid}/credentials", self._set)]

    async def _set(self, request: web.Request) -> web.Response:
        sid = request.match_info["sid"]
        if (account := self._simulator.accounts.get(sid)) is None:
            return web.json_response({"errors": [f"no account {sid}"]}, status=404)
        try:
            asked = CredentialsRequest.model_validate_json(await request.read())
        except ValidationError as error:
            return invalid(error)
        tokens = tuple((sid, token) for token in asked.auth_tokens)
        self._simulator.accounts[sid] = replace(
            account, signing_token=asked.auth_tokens[0], secrets=(*tokens, *asked.api_keys.items())
        )
        return web.json_response({"auth_tokens": len(tokens), "api_keys": sorted(asked.api_keys)})
