"""Files that people send, as they are kept: by the sid of each medium; and the links to them."""

import hashlib
import secrets
from typing import NamedTuple

from yarl import URL

from services.simulator.accounts import Account
from services.simulator.message import API_VERSION


class File(NamedTuple):
    """What somebody sent. `declared`: the type that Twilio tells of it."""

    content: bytes
    declared: str


class Files:
    """What is kept of messages, by the sid of each medium, and which media were deleted."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self._files: dict[str, File] = {}
        self._links: dict[str, str] = {}
        self.deleted: set[tuple[str, str]] = set()
        # Requests to the second host that brought credentials along.
        self.leaks = 0

    def keep(self, message_sid: str, place: int, file: File) -> str:
        """The medium's sid."""
        sid = sid_of(message_sid, place)
        self._files[sid] = file
        return sid

    def of(self, sid: str) -> File | None:
        return self._files.get(sid)

    def link(self, sid: str) -> str:
        link = secrets.token_urlsafe(16)
        self._links[link] = sid
        return link

    def behind(self, link: str) -> File | None:
        return self._files.get(self._links.get(link, ""))


def sid_of(message_sid: str, place: int) -> str:
    return "ME" + hashlib.md5(f"{message_sid}{place}".encode(), usedforsecurity=False).hexdigest()


def url_of(base: URL, account: Account, message_sid: str, medium_sid: str) -> str:
    """As the webhook names it. `base`: where the simulator is reached."""
    region = "" if account.region == "us1" else f"/{account.region}"
    return f"{base}{region}/{API_VERSION}/Accounts/{account.sid}/Messages/{message_sid}/Media/{medium_sid}"
