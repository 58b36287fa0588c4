"""One look at a medium's URL: can it be fetched, and what does its host state of it?

Twilio itself asks by HEAD and by GET. What counts here is a GET of the first byte: hosts answer HEAD otherwise, and a
signed URL is often signed for GET alone. HEAD is asked where the GET says nothing of the size. Of the file no byte is
read.
"""

import asyncio
import logging
import re
import ssl
from collections.abc import Mapping

import aiohttp

from services.domain.clock import later
from services.domain.media import Found
from services.runtime.clock import now
from services.runtime.strangers import Barred, Strangers

logger = logging.getLogger(__name__)

_FIRST_BYTE = {"Range": "bytes=0-0"}
_RANGE = re.compile(r"bytes (?:\d+-\d+|\*)/(\d+)", re.ASCII)
_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,64}/[a-z0-9!#$&^_.+-]{1,100}", re.ASCII)
_EMPTY = 416
# Refusals that say nothing of the next time.
_PASSING = frozenset({408, 421, 425, 429})
_AGAIN_S = 30.0


class Looking:
    """Looks of a service, each over after `longest_s`. `strangers`: by which connections."""

    def __init__(self, longest_s: float, strangers: Strangers | None = None) -> None:
        self._strangers = strangers or Strangers(longest_s)
        self._longest_s = longest_s

    async def look(self, url: str) -> Found:
        """What was found. A fault that may pass says when to look again."""
        return await _look(self._strangers, url, self._longest_s)

    async def close(self) -> None:
        await self._strangers.close()


async def _look(strangers: Strangers, url: str, longest_s: float) -> Found:
    try:
        async with asyncio.timeout(longest_s):
            return await _looked(strangers, url)
    except Barred as error:
        return Found(fault=str(error))
    except TimeoutError:
        return _passing("does not answer in time")
    except aiohttp.InvalidURL:
        return Found(fault="leads to what is no URL")
    except (ssl.SSLError, aiohttp.ClientSSLError):
        return _passing("has no TLS certificate that is believed")
    except aiohttp.ClientConnectorDNSError:
        return _passing("names a host that DNS does not know here")
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return _passing(f"cannot be reached ({type(error).__name__})")
    except Exception as error:
        # Whatever a host made a package do. It says nothing of Twilio, and is no reason to hold anything for ever.
        logger.exception("a look at a medium failed")
        return _passing(f"cannot be read ({type(error).__name__})")


async def _looked(strangers: Strangers, url: str) -> Found:
    async with strangers.asked("GET", url, _FIRST_BYTE) as answer:
        status, type_, size = answer.status, _type(answer.headers), _size(answer.status, answer.headers)
    if status == _EMPTY:
        return Found(type_, size or 0)
    if not 200 <= status < 300:
        told = f"answers {status}"
        return _passing(told) if status in _PASSING or status >= 500 else Found(fault=told)
    if size is None:
        async with strangers.asked("HEAD", url) as answer:
            if answer.status == 200:
                size = _size(answer.status, answer.headers)
    return Found(type_, size)


def _passing(fault: str) -> Found:
    return Found(fault=fault, again_at=later(now(), _AGAIN_S))


def _type(headers: Mapping[str, str]) -> str | None:
    """Without its parameters; None for what is none."""
    written = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return written if _TYPE.fullmatch(written) else None


def _size(status: int, headers: Mapping[str, str]) -> int | None:
    """Of the whole file."""
    if found := _RANGE.fullmatch(headers.get("Content-Range", "").strip()):
        return int(found[1][:18])
    length = headers.get("Content-Length", "")
    whole = status == 200 and length.isascii() and length.isdigit() and "Transfer-Encoding" not in headers
    return int(length[:18]) if whole else None
