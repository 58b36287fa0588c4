"""The base URLs of the settings: is it Twilio itself, and may it go unencrypted?"""

import ipaddress
from urllib.parse import urlsplit


def is_twilio(url: str) -> bool:
    """Whether this is real Twilio, no emulator."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    return host == "twilio.com" or host.endswith(".twilio.com")


def guarded(url: str) -> str:
    """The URL, if nobody on the way can read along. Raises ValueError, a sentence."""
    parts = urlsplit(url)
    scheme, host = parts.scheme.lower(), parts.hostname or ""
    if scheme not in ("http", "https") or not host:
        raise ValueError("this is no base URL; write https:// and a host")
    if scheme == "http" and not _on_loopback(host):
        raise ValueError(
            f"http://{host} shows tokens and messages to whoever listens on the way; write https, as http is for "
            "loopback alone (127.0.0.1, [::1], localhost)"
        )
    return url


def _on_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
