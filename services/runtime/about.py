"""Which release runs here, with which settings: for who asks why two instances differ."""

import hashlib
import platform
from importlib.metadata import version

from prometheus_client import Gauge

from services.runtime.config import Settings

BUILD = Gauge("switchboard_build_info", "1; the release, and the Python that it runs on", ["version", "python"])
SETTINGS = Gauge(
    "switchboard_settings_info",
    "1; a digest of public_url, kafka and twilio without their secrets: the same wherever those are",
    ["digest"],
)
_ALIKE = {"public_url", "kafka", "twilio"}
_DIGITS = 12


def show(settings: Settings) -> None:
    """Export what this process is."""
    BUILD.labels(version("switchboard"), platform.python_version()).set(1)
    # What is secret is dumped as stars.
    written = settings.model_dump_json(include=_ALIKE)
    SETTINGS.labels(hashlib.sha256(written.encode()).hexdigest()[:_DIGITS]).set(1)
