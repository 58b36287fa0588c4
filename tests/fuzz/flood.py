"""Strangers at the door, all at once: slow connections by the thousand, and unsigned requests of the dearest kinds.

`python -m tests.fuzz.flood PORT SLOW EAGER ACCOUNT TENANT` until it is killed: a process of its own, as strangers have.
"""

import asyncio
import contextlib
import random
import sys
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from itertools import count, cycle, islice, repeat

import uvloop

from tests.fuzz import costly

# Connections that say little; and such that each send a dear request as soon as the last one is refused.
SLOW, EAGER = 1000, 120
_A_BYTE_EACH_S = 1.0
_BACK_AFTER_S = 1.0
# Another address than the load's: strangers have none of Twilio's.
_FROM = ("127.0.0.2", 0)
# Of the dearest those after which the connection stays: to connect anew costs them more than us.
_KEPT = (
    "250 names",
    "250 repeated names",
    "999 names, values",
    "999 repeated names, values",
    "a GET of 8 KB",
    "a query of 8 KB",
    "JSON, and a query",
    "JSON, deep",
)
_HEAD = b"POST /twilio/acme/messages HTTP/1.1\r\nHost: x\r\nX-Twilio-Signature: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n"
_FORM = _HEAD + b"Content-Type: application/x-www-form-urlencoded\r\n"
# What is sent of a request, and what trickles in after it.
_HALVES = (
    (b"", b""),
    (b"PO", b"S"),
    (_FORM + b"A: ", b"a"),
    (_HEAD + b"A: " + b"a" * 8000 + b"\r\nB: " + b"b" * 8000 + b"\r\nC: ", b"c"),
    (_FORM + b"Content-Length: 60000\r\n\r\nBody=", b"x"),
    (_FORM + b"Content-Length: 60000\r\n\r\n" + b"x" * 50_000, b"x"),
    (_FORM + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n"),
)

_Act = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def command(port: int, account: str, tenant: str, slow: int = SLOW, eager: int = EAGER) -> list[str]:
    """What starts it. `account` is the tenant's, so that its requests are looked at."""
    return [sys.executable, "-m", "tests.fuzz.flood", *map(str, (port, slow, eager)), account, tenant]


async def _flood(port: int, slow: int, eager: int, dear: Sequence[bytes]) -> None:
    halves = islice(cycle(_HALVES), slow)
    acts = [*(partial(_trickle, *half) for half in halves), *repeat(partial(_insist, dear), eager)]
    await asyncio.gather(*(_again(port, act) for act in acts))


async def _again(port: int, act: _Act) -> None:
    """On a connection, and on another one when that has ended, whoever ended it."""
    while True:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=_FROM)
            try:
                await act(reader, writer)
            finally:
                writer.transport.abort()
        await asyncio.sleep(_BACK_AFTER_S * random.uniform(0.5, 1.5))


async def _trickle(begun: bytes, more: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(begun)
    while not (writer.is_closing() or reader.at_eof()):
        await asyncio.sleep(_A_BYTE_EACH_S)
        if not writer.is_closing():
            writer.write(more)


async def _insist(dear: Sequence[bytes], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One after another, and now and then several in one piece."""
    for number, times in zip(count(), cycle((1, 1, 1, 4, 1, 8)), strict=False):
        writer.write(dear[number % len(dear)] * times)
        for _ in range(times):
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(head.lower().partition(b"content-length:")[2].split()[0]))


if __name__ == "__main__":
    *numbers, account, tenant = sys.argv[1:]
    dear = [sent for name, sent in costly.requests(account, tenant).items() if name.startswith(_KEPT)]
    port, slow, eager = map(int, numbers)
    uvloop.run(_flood(port, slow, eager, dear))
