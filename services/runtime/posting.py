"""A POST the short way: its head and form in one write to a kept connection, its answer read whole.

aiohttp opens and pools the connections and parses what comes. Left out are its request, response, writer and task of
each call, which were a tenth of all that a send costs. The head is what aiohttp's own request would say. That rests on
its inner parts, hence the bounds on its version in pyproject.toml.
"""

import asyncio
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

import aiohttp
from aiohttp import ClientRequest, hdrs
from aiohttp.connector import Connection
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

# 100 to 199 are words before the answer, but for this one, after which nothing of HTTP follows.
_FIRST_OF_AN_ANSWER = 200
_SWITCHING = 101


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes


class Posting:
    """POSTs to one host, without a proxy. `headers`: what each says, beside what HTTP asks for."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str, headers: Mapping[str, str]) -> None:
        self._session = session
        self._base_url = base_url
        # What the connector wants to know of a request, and what stands in its head.
        self._like = ClientRequest(hdrs.METH_POST, URL(base_url), headers=headers, loop=asyncio.get_running_loop())
        said = [(name, value) for name, value in self._like.headers.items() if name != hdrs.CONTENT_LENGTH]
        self._head = "".join(f"{name}: {value}\r\n" for name, value in said)

    async def post(self, path: str, form: bytes) -> Answer:
        """Raises as aiohttp's session does: ConnectionTimeoutError and ClientConnectorError before there was a
        connection, TimeoutError and other ClientErrors after that. Redirects are not followed."""
        head = f"POST {_target(self._base_url, path)} HTTP/1.1\r\n{self._head}Content-Length: {len(form)}\r\n\r\n"
        connection: Connection | None = None
        try:
            async with asyncio.timeout(self._session.timeout.total):
                connection = await self._connected()
                answer = await _exchanged(connection, head.encode() + form)
            connection.release()
            return answer
        except TimeoutError as error:
            if connection is not None:
                raise
            raise aiohttp.ConnectionTimeoutError(f"no connection to {self._base_url} in time") from error
        finally:
            # Of one that was released nothing is left to close.
            if connection is not None:
                connection.close()

    async def _connected(self) -> Connection:
        session = self._session
        if session.connector is None:
            raise aiohttp.ClientConnectionError("the line is closed")
        return await session.connector.connect(self._like, [], session.timeout)


async def _exchanged(connection: Connection, request: bytes) -> Answer:
    protocol, transport = connection.protocol, connection.transport
    if protocol is None or transport is None:
        raise aiohttp.ServerDisconnectedError
    protocol.set_response_params(read_until_eof=True)
    transport.write(request)
    try:
        message, payload = await protocol.read()
        while message.code < _FIRST_OF_AN_ANSWER and message.code != _SWITCHING:
            message, payload = await protocol.read()
    except HttpProcessingError as error:
        raise aiohttp.ClientPayloadError("what was answered is no HTTP") from error
    # As mostly: all of it came at once.
    body = payload.read_nowait() if payload.is_eof() else await payload.read()
    return Answer(message.code, message.headers, body)


@lru_cache(maxsize=256)
def _target(base_url: str, path: str) -> str:
    """A path as it stands in a request's first line."""
    return URL(f"{base_url}{path}").raw_path_qs
