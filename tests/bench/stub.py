"""A Twilio that costs next to nothing: `PORT LATENCY_S`. Every create call is answered with a message as Twilio's are.

The simulator checks, remembers and calls back; the client under measurement would wait for it. This one reads a
request by its length and writes bytes. A GET of /senders is answered with how many creates each sender had, any other
one with how many there were.
"""

import asyncio
import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import unquote

import orjson
import uvloop

from tests.bench import workload

_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = b"content-length:"


def answer(number: int) -> bytes:
    """A whole HTTP response: a created message with every field that Twilio names."""
    path = f"/2010-04-01/Accounts/{workload.ACCOUNT}/Messages/{workload.sid(number)}"
    body = orjson.dumps(
        {
            "account_sid": workload.ACCOUNT,
            "api_version": "2010-04-01",
            "body": "Your order is on its way.",
            "date_created": "Thu, 24 Aug 2023 05:01:45 +0000",
            "date_sent": None,
            "date_updated": "Thu, 24 Aug 2023 05:01:45 +0000",
            "direction": "outbound-api",
            "error_code": None,
            "error_message": None,
            "from": workload.SENDER,
            "messaging_service_sid": None,
            "num_media": "0",
            "num_segments": "1",
            "price": None,
            "price_unit": "USD",
            "sid": workload.sid(number),
            "status": "queued",
            "subresource_uris": {"media": f"{path}/Media.json"},
            "to": "+14155550123",
            "uri": f"{path}.json",
        }
    )
    head = (
        "HTTP/1.1 201 Created\r\nContent-Type: application/json;charset=utf-8\r\nTwilio-Request-Id: RQ"
        f"{number:032x}\r\nX-API-Domain: api.twilio.com\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


@dataclass
class _Count:
    answered: int = 0
    by_sender: Counter[bytes] = field(default_factory=Counter)


class _Calls(asyncio.Protocol):
    def __init__(self, latency_s: float, count: _Count) -> None:
        self._latency_s = latency_s
        self._count = count
        self._waiting = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._waiting += data
        while (found := _request(self._waiting)) is not None:
            request, self._waiting = self._waiting[:found], self._waiting[found:]
            if request.startswith(b"GET /senders "):
                self._write(_ok(orjson.dumps({unquote(name): n for name, n in self._count.by_sender.items()})))
                continue
            if request.startswith(b"GET"):
                self._write(_ok(b"%d" % self._count.answered))
                continue
            self._count.by_sender[request.partition(b"From=")[2].partition(b"&")[0]] += 1
            if self._latency_s:
                asyncio.get_running_loop().call_later(self._latency_s, self._answer)
            else:
                self._answer()

    def _answer(self) -> None:
        self._count.answered += 1
        self._write(answer(self._count.answered))

    def _write(self, response: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(response)


def _ok(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body)


def _request(waiting: bytes) -> int | None:
    """How long the first request is, once all of it is there."""
    end = waiting.find(_END_OF_HEAD)
    if end < 0:
        return None
    head = waiting[:end].lower()
    at = head.find(_LENGTH)
    length = int(head[at + len(_LENGTH) :].split(b"\r\n", 1)[0]) if at >= 0 else 0
    whole = end + len(_END_OF_HEAD) + length
    return whole if len(waiting) >= whole else None


async def main(port: int, latency_s: float) -> None:
    count = _Count()
    server = await asyncio.get_running_loop().create_server(lambda: _Calls(latency_s, count), "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(int(sys.argv[1]), float(sys.argv[2])))
