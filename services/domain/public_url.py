"""What a public URL is: one that a stranger on the internet can ask for. Decided here once, for media and webhooks."""

import ipaddress
import re
import socket
import unicodedata
from urllib.parse import quote, urlsplit

import idna

# Names that no public DNS answers: RFC 6761, 6762 with its appendix G, 8375; ICANN keeps `internal` for private use.
_PRIVATE_NAMES = frozenset(
    [
        *("localhost", "local", "internal", "test", "invalid", "localdomain"),
        *("intranet", "private", "corp", "home", "lan", "home.arpa"),
    ]
)
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
# As the URL standard has it: a name that ends so is taken for an IPv4 address, in one of its many spellings.
_ENDS_AS_NUMBER = re.compile(r"(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)$")
_LONGEST_NAME = 253
# IPv6 addresses that stand for an IPv4 one: the last 32 bits are where it goes (RFC 6052, RFC 2765).
_TRANSLATED = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("::ffff:0:0:0/96"))
# What this Python takes for public and is not, by IANA's registries; and where Azure answers its own machines alone.
_NOT_PUBLIC: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = (
    *map(ipaddress.IPv4Network, ("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32")),
    *map(ipaddress.IPv6Network, ("64:ff9b:1::/48", "fec0::/10", "3fff::/20", "5f00::/16")),
)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def not_public(url: str) -> str | None:
    """What keeps a stranger from asking for this URL, as words that follow its name; None where nothing does.

    It is judged as written: nothing is looked up, so a name that points at a private address passes.
    """
    if fault := _unwritable(url):
        return fault
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "is not a URL: its host or port cannot be read"
    if parts.scheme not in ("https", "http"):
        return "does not begin with https://"
    if not host:
        return "names no host"
    if port == 0:
        return "names port 0"
    return _not_public_address(host) if "[" in parts.netloc else _not_public_host(host)


def is_public(address: str) -> bool:
    """Whether an IP address is one that a stranger on the internet can reach."""
    return _not_public_address(address) is None


def as_uri(url: str) -> str:
    """A public URL in ASCII: the host as DNS has it, what is not ASCII behind it percent-encoded; the rest as it is."""
    if url.isascii():
        return url
    parts = urlsplit(url)
    user, at, _ = parts.netloc.rpartition("@")
    port = f":{parts.port}" if parts.port is not None else ""
    host = f"[{parts.hostname}]" if "[" in parts.netloc else _as_dns(parts.hostname or "") or ""
    rest = url.partition("://")[2].removeprefix(parts.netloc)
    return f"{parts.scheme}://{_percent(user)}{at}{host}{port}{_percent(rest)}"


def _percent(text: str) -> str:
    return "".join(char if char.isascii() else quote(char) for char in text)


def _unwritable(url: str) -> str | None:
    for char in url:
        kind = unicodedata.category(char)
        if char.isspace() or kind.startswith("Z"):
            return "has a blank in it; percent-encode it as %20, and give each URL as its own text"
        if kind in ("Cc", "Cs"):
            return "has a control character or half a character in it"
    return None


def _not_public_host(written: str) -> str | None:
    if "_" in written:
        return "has an underscore in its host, which Twilio refuses"
    host = _as_dns(written)
    if host is None:
        return "names a host that cannot exist"
    if _ENDS_AS_NUMBER.search(host):
        return _not_public_number(host)
    labels = host.split(".")
    if len(host) > _LONGEST_NAME or not all(map(_LABEL.fullmatch, labels)):
        return "names a host that cannot exist"
    if _PRIVATE_NAMES & {labels[-1], ".".join(labels[-2:])}:
        return "names a host of a private network, which is not on the Internet"
    if len(labels) == 1:
        return "names a host without a domain, which is not on the Internet"
    return None


def _as_dns(host: str) -> str | None:
    """The host as DNS knows it: `BÜCHER.example.` → `xn--bcher-kva.example`; None for what is no name."""
    host = host.lower().removesuffix(".")
    if host.isascii():
        return host
    try:
        return idna.encode(host, uts46=True).decode().lower()
    except (idna.IDNAError, UnicodeError):
        return None


def _not_public_number(host: str) -> str | None:
    try:
        address = ipaddress.IPv4Address(socket.inet_aton(host))
    except OSError:
        return "names a host that cannot exist"
    if fault := _not_public_address(str(address)):
        return fault
    return None if str(address) == host else "writes an IP address in an unusual way; write it as four numbers"


def _not_public_address(text: str) -> str | None:
    try:
        address: Address = ipaddress.ip_address(text)
    except ValueError:
        return "names a host that cannot exist"
    reached = _reached(address)
    public = reached.is_global and not reached.is_multicast and not getattr(reached, "scope_id", None)
    public = public and not any(reached in network for network in _NOT_PUBLIC)
    return None if public else "names a loopback or private address, which is not on the Internet"


def _reached(address: Address) -> Address:
    """Where an address leads that stands for another one."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if any(address in network for network in _TRANSLATED) or int(address) >> 32 == 0:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address
