"""What runs here: versions, settings, tenants' files, disks."""

import os
import platform
import re
import shutil
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit

from services.operations.doctor.finding import Finding
from services.runtime.callbacks import uncallable
from services.runtime.config import Settings
from services.runtime.sections.twilio import TwilioSettings
from services.runtime.tenants.live import Tenants
from services.runtime.urls import is_twilio

_PINNED = re.compile(r"^([A-Za-z0-9._-]+)\s*==\s*([^\s;]+)\s*$")
# A table's store is compacted by writing it anew, so it needs room for itself once more.
_FREE_SHARE = 0.1


def machine(settings: Settings, tenants: Tenants) -> Iterator[Finding]:
    yield from _versions()
    yield from _settings(settings, tenants)
    yield from _disks(settings)


def _versions() -> Iterator[Finding]:
    """Packages of which parts are replaced must be of the very version that this was written for."""
    wrong = [
        f"{name} {metadata.version(name)} instead of {wanted}"
        for name, wanted in _pins()
        if metadata.version(name) != wanted
    ]
    if wrong:
        yield Finding(
            "versions", "fault", "packages", "; ".join(wrong), "install from requirements.lock, or use the image"
        )
    else:
        here = f"switchboard {metadata.version('switchboard')}, Python {platform.python_version()}"
        yield Finding("versions", "fine", "packages", here)


def _pins() -> Iterator[tuple[str, str]]:
    for line in metadata.requires("switchboard") or ():
        if pinned := _PINNED.match(line):
            yield pinned[1], pinned[2]


def _settings(settings: Settings, tenants: Tenants) -> Iterator[Finding]:
    for trouble in tenants.troubles():
        yield Finding("tenants", "fault", "files", trouble, "switchboard config check tells more")
    for sentence in uncallable(settings):
        yield Finding("settings", "fault", "public_url", sentence, "correct public_url")
    if not tenants:
        yield Finding("tenants", "fault", "files", "no tenant is configured", "name one, or a folder in tenants_dir")
    else:
        yield Finding("tenants", "fine", "files", f"{len(tenants)} tenants")
    yield from regions(settings.twilio)


def regions(twilio: TwilioSettings) -> Iterator[Finding]:
    """Credentials are of one region: hosts of two can't be meant, and hosts with a region need an edge as well."""
    hosts = [urlsplit(url).hostname or "" for url in twilio.urls.values() if is_twilio(url)]
    for host in hosts:
        if len(host.split(".")) == 4:
            says = "hosts without an edge stopped working in 2026"
            yield Finding("region", "fault", host, says, "write product.edge.region.twilio.com")
    if len(found := sorted({_region(host) for host in hosts})) > 1:
        remedy = "use hosts of one region: tokens and keys are of one"
        yield Finding("region", "fault", "twilio", f"hosts of {' and '.join(found)}", remedy)
    if hosts:
        yield Finding("region", "fine", "twilio", ", ".join(found))


def _region(host: str) -> str:
    """`api.dublin.ie1.twilio.com` → ie1."""
    labels = host.split(".")
    return labels[-3] if len(labels) > 3 else "us1"


def _disks(settings: Settings) -> Iterator[Finding]:
    """Those of the folders that are on this machine: a service's own are looked at where it runs."""
    spool = settings.ingress.spool
    for name, folder, needed in (
        ("ingress.spool.directory", spool.directory, spool.max_bytes),
        ("processor.data_dir", settings.processor.data_dir, 0),
        ("sender.data_dir", settings.sender.data_dir, 0),
    ):
        yield _disk(name, folder, needed)


def _disk(name: str, folder: Path, needed: int) -> Finding:
    if not folder.is_dir():
        return Finding("disk", "note", name, f"{folder} is not on this machine")
    if not os.access(folder, os.W_OK | os.X_OK):
        return Finding("disk", "fault", name, f"{folder} cannot be written", "give it to the user of the service")
    usage = shutil.disk_usage(folder)
    free = f"{usage.free / 2**30:,.1f} GiB are free at {folder}"
    if usage.free < max(needed, usage.total * _FREE_SHARE):
        wants = f"{max(needed, usage.total * _FREE_SHARE) / 2**30:,.1f} GiB should be"
        return Finding("disk", "fault", name, f"{free}; {wants}", "free some, or grow the volume")
    return Finding("disk", "fine", name, free)
