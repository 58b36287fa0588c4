"""What a webhook is answered, and how that is written: by aiohttp, or as bytes for the lane that does without it."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple

from aiohttp import web
from aiohttp.helpers import rfc822_formatted_time
from aiohttp.http import SERVER_SOFTWARE

_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}


class Answer(NamedTuple):
    """Status, and a body with its content type; without one (204) there is no body."""

    status: int
    body: bytes = b""
    content_type: str = ""
    headers: Mapping[str, str] | None = None

    def response(self) -> web.Response:
        """For aiohttp to write."""
        headers = dict(self.headers or {})
        if not self.content_type:
            return web.Response(status=self.status, headers=headers)
        return web.Response(status=self.status, body=self.body, headers=headers | {"Content-Type": self.content_type})

    def encode(self) -> bytes:
        """As aiohttp writes it on a connection of HTTP/1.1 that is kept."""
        more = "".join([f"{name}: {value}\r\n" for name, value in self.headers.items()]) if self.headers else ""
        if self.content_type:
            more += f"Content-Type: {self.content_type}\r\nContent-Length: {len(self.body)}\r\n"
        date = rfc822_formatted_time()
        head = f"{_LINES[self.status]}{more}Date: {date}\r\nServer: {SERVER_SOFTWARE}\r\n\r\n"
        return head.encode("ascii") + self.body
