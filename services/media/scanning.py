"""ClamAV, by the protocol of its daemon: INSTREAM, over TCP or a unix socket."""

import asyncio
import contextlib
import re
import struct
from typing import Literal, NamedTuple

_CHUNK = 1 << 16
_LONGEST_ANSWER = 4096
_ANSWER = re.compile(r"stream: (?:(?P<clean>OK)|(?P<virus>.+) FOUND)", re.ASCII)
# With AlertExceedsMax; without it, what is left out is OK.
_LIMIT = "Heuristics.Limits.Exceeded"
_TOO_LARGE = "INSTREAM size limit exceeded"


class ScannerAway(Exception):
    """Nobody can say whether the file is clean."""


class Verdict(NamedTuple):
    """`virus`: its name, or why the daemon would not look."""

    outcome: Literal["clean", "infected", "unscannable"]
    virus: str | None = None


class Scanner:
    """`address`: `host:port`, or the path of a unix socket."""

    def __init__(self, address: str, timeout_s: float) -> None:
        self._address = address
        self._timeout_s = timeout_s

    async def scan(self, content: bytes) -> Verdict:
        """What the daemon says. Raises ScannerAway; then the file is not to be handed out."""
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await self._asked(content)
        except (OSError, TimeoutError, EOFError) as error:
            raise ScannerAway(f"clamd at {self._address}: {type(error).__name__}") from error
        found = _ANSWER.fullmatch(answer)
        if found is not None and (found["virus"] or "").startswith(_LIMIT):
            return Verdict("unscannable", f"it is more than clamd scans ({found['virus']})")
        if found is not None:
            return Verdict("clean") if found["clean"] else Verdict("infected", found["virus"])
        if answer.startswith(_TOO_LARGE):
            return Verdict("unscannable", "it is larger than what clamd scans (StreamMaxLength)")
        raise ScannerAway(f"clamd at {self._address} says {answer[:100]!r}")

    async def _asked(self, content: bytes) -> str:
        reader, writer = await self._opened()
        try:
            answered = asyncio.create_task(reader.readuntil(b"\0"))
            # It hangs up on what is too large, once it has said so.
            with contextlib.suppress(ConnectionError):
                await self._send(writer, content)
            answer = await answered
        finally:
            answered.cancel()
            writer.close()
        return answer[:_LONGEST_ANSWER].rstrip(b"\0").decode("utf-8", "replace").strip()

    @staticmethod
    async def _send(writer: asyncio.StreamWriter, content: bytes) -> None:
        writer.write(b"zINSTREAM\0")
        for place in range(0, len(content), _CHUNK):
            chunk = content[place : place + _CHUNK]
            writer.write(struct.pack("!L", len(chunk)) + chunk)
            await writer.drain()
        writer.write(struct.pack("!L", 0))
        await writer.drain()

    async def _opened(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._address.startswith("/"):
            return await asyncio.open_unix_connection(self._address)
        host, _, port = self._address.rpartition(":")
        return await asyncio.open_connection(host, int(port))
