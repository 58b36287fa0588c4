"""Facts that are not keyed as their tenant's are: set aside in files of the tenant's own, beside the spool's segments,
until they fit. Blocking, as `disk` is.

A crash in between leaves a fact in both, under one event id; it is never in neither.
"""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

from services.contract import codec
from services.ingress import disk, segments
from services.ingress.products import FITS
from services.ingress.segments import Fact
from services.runtime.tenants.settings import TenantSettings

_SUFFIX = ".held"


class _Owned(msgspec.Struct):
    tenant: str


def fits(fact: Fact, tenant: TenantSettings) -> bool:
    """Whether a fact of this tenant is keyed as the tenant's are; not where nobody can say."""
    try:
        return FITS[fact.topic](fact.value, tenant)
    except (KeyError, codec.DecodeError):
        return False


def owner(fact: Fact) -> str:
    """The tenant; empty where it cannot be read."""
    try:
        return codec.decode(fact.value, _Owned).tenant
    except codec.DecodeError:
        return ""


def sizes(directory: Path) -> dict[str, int]:
    """By tenant, how many bytes of it are set aside."""
    found: dict[str, int] = {}
    for path in directory.glob(f"*{_SUFFIX}"):
        name = path.name.split(".")[1]
        # One that went meanwhile waits again.
        with suppress(FileNotFoundError):
            found[name] = found.get(name, 0) + path.stat().st_size
    return found


def files(directory: Path, name: str) -> list[Path]:
    """Where the facts of one tenant are, oldest first."""
    return sorted(directory.glob(f"*.{name}{_SUFFIX}"))


def divide(path: Path, wrong: Callable[[Fact], str]) -> int:
    """Of a segment, set those aside for which `wrong` names a tenant; how many bytes stay."""
    *lines, torn = path.read_bytes().split(b"\n")
    apart: dict[str, list[bytes]] = {}
    stay: list[bytes] = []
    for line in lines:
        fact = segments.fact_of(line)
        (apart.setdefault(name, []) if (name := wrong(fact) if fact else "") else stay).append(line)
    if not apart:
        return path.stat().st_size
    for name, some in apart.items():
        _add(path.with_name(f"{path.stem}.{name}{_SUFFIX}"), some)
    return _put(path, stay, torn)


def recover(path: Path, right: Callable[[Fact], bool], to: Path) -> int:
    """Move those that are right now to a segment; how many bytes it has, 0 where it is none."""
    *lines, _ = path.read_bytes().split(b"\n")
    good: list[bytes] = []
    bad: list[bytes] = []
    for line in lines:
        fact = segments.fact_of(line)
        (good if fact is not None and right(fact) else bad).append(line)
    if not good:
        return 0
    size = _put(to, good)
    _put(path, bad)
    return size


def _add(path: Path, lines: list[bytes]) -> None:
    before = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    _put(path, [*before, *(line for line in lines if line not in set(before))])


def _put(path: Path, lines: list[bytes], torn: bytes = b"") -> int:
    if not lines:
        path.unlink(missing_ok=True)
        return 0
    data = b"".join(line + b"\n" for line in lines) + torn
    disk.replace(path, data)
    return len(data)
