"""Twilio's regions: where an account's messages are handled and kept, and under which host.

Each is a Twilio of its own: an auth token or an API key is good in the region that it was made in, and nowhere else.
A host's name says the region, with the edge that belongs to it; names without the edge ended in April 2026. Source:
Twilio's documentation, Global Infrastructure, of July 2026.
"""

from typing import Literal
from urllib.parse import urlsplit, urlunsplit

from services.runtime.urls import is_twilio

Region = Literal["us1", "ie1", "au1"]

_EDGES: dict[Region, str] = {"ie1": "dublin", "au1": "sydney"}
# Whatever Twilio's own package reads of the environment (TWILIO_REGION, TWILIO_EDGE) is not to move calls elsewhere.
NOT_FROM_THE_ENVIRONMENT = {"TWILIO_REGION": ""}


def regional(base_url: str, region: Region) -> str:
    """The base URL in a region, of one in us1: `https://api.twilio.com` → `https://api.dublin.ie1.twilio.com`.

    An emulator has a region under its name: `http://127.0.0.1:8090` → `http://127.0.0.1:8090/ie1`.
    """
    if region == "us1":
        return base_url
    if not is_twilio(base_url):
        return f"{base_url.rstrip('/')}/{region}"
    parts = urlsplit(base_url)
    # `api` may name a region already, of the tenants that name none.
    product = parts.netloc.partition(".")[0]
    return urlunsplit(parts._replace(netloc=f"{product}.{_EDGES[region]}.{region}.twilio.com"))
