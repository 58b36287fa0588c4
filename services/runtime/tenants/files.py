"""Tenants as their files say now, each read by itself: a wrong one says so and spoils no other.

A file is parsed again when it, or a secret file that it names, is another one than before: by inode, size and time, as
they are behind symbolic links, so that a ConfigMap's swap is seen. What was written within the last seconds is read
again: two writings can look alike.
"""

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from pydantic import TypeAdapter, ValidationError

from services.runtime.section import ConfigError, SecretRead, faults, noting_secrets
from services.runtime.tenants.settings import TenantName, TenantSettings

# The parser in C where there is one: of five thousand files it takes a tenth of the time.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_name = TypeAdapter(TenantName)
_SUFFIX = ".yaml"
# A file system may tell times by two seconds only.
_SETTLED_NS = 3_000_000_000
_INLINE = "the settings file's tenants"

Inline = Callable[[], Mapping[str, TenantSettings]]
Stamp = tuple[int, int, int]


class Refused(NamedTuple):
    """A tenant whose file cannot be used; the text names the file, the key and the remedy.

    `accounts`: those that it names all the same. None: who knows which.
    """

    sentence: str
    accounts: frozenset[str] | None = None


class Said(NamedTuple):
    """What a tenant's file says, and the secret files that it names."""

    tenant: TenantSettings | Refused
    secrets: tuple[SecretRead, ...] = ()


class Found(NamedTuple):
    """All tenants that there are files for. `trouble`: why some may be missing, which then proves nothing."""

    tenants: Mapping[str, Said]
    trouble: str | None = None


class _Read(NamedTuple):
    stamps: tuple[Stamp | None, ...]
    said: dict[str, Said]


class TenantFiles:
    """The settings file's own tenants and those in a folder. Not for two threads at once.

    `inline` reads the former (raises ConfigError), from `settings`; without such a file they stay as they are.
    """

    def __init__(self, inline: Inline, settings: Path | None, directory: Path | None) -> None:
        self._inline = inline
        self._settings = settings
        self._directory = directory
        self._read: dict[str, _Read] = {}

    def look(self, afresh: bool = False) -> Found:
        """Read what has changed; `afresh`: everything."""
        if afresh:
            self._read = {}
        names, trouble = self._listed()
        self._read = {path: self._again(path) for path in ("", *names)}
        found: dict[str, Said] = {}
        for path, read in self._read.items():
            for name, said in read.said.items():
                if name in found:
                    twice = f"{path}: {name} stands in {_INLINE} too; remove it from one of them"
                    found[name] = Said(Refused(twice))
                else:
                    found[name] = said
        return Found(found, trouble)

    def written(self) -> list[tuple[float, str, str, str]]:
        """When each secret file was last written (Unix seconds), whose it is, for what, and its path."""
        found = {}
        for path, read in list(self._read.items()):
            for said in read.said.values():
                for one in said.secrets:
                    if (stamp := _stamp(one.path)) is not None:
                        tenant = Path(path).stem if path else ""
                        found[tenant, one.field, str(one.path)] = stamp[2] / 1e9
        return [(at, *names) for names, at in found.items()]

    def _listed(self) -> tuple[list[str], str | None]:
        if self._directory is None:
            return [], None
        try:
            with os.scandir(self._directory) as entries:
                # A ConfigMap's own folders begin with a dot.
                names = [one.path for one in entries if one.name.endswith(_SUFFIX) and not one.name.startswith(".")]
            return sorted(names), None
        except OSError as error:
            trouble = f"tenants_dir: {self._directory} cannot be read: {error.strerror}; mount it, or correct its name"
            return [path for path in self._read if path], trouble

    def _again(self, path: str) -> _Read:
        before = self._read.get(path)
        if before is not None and before.stamps and _stamps(self._of(path), _secrets(before.said)) == before.stamps:
            return before
        # Before it is read: what is written meanwhile is seen at the next look.
        began = time.time_ns()
        said = self._inline_said() if not path else _file_said(Path(path))
        stamps = _stamps(self._of(path), _secrets(said))
        settled = all(one is None or one[2] < began - _SETTLED_NS for one in stamps)
        return _Read(stamps if settled else (), _kept(before, said))

    def _of(self, path: str) -> str | None:
        return path or (str(self._settings) if self._settings else None)

    def _inline_said(self) -> dict[str, Said]:
        try:
            with noting_secrets() as secrets:
                tenants = self._inline()
        except ConfigError as error:
            before = self._read.get("")
            refused = Refused("; ".join(str(error).splitlines()))
            return {name: Said(refused, said.secrets) for name, said in before.said.items()} if before else {}
        return {name: Said(tenant, tuple(secrets)) for name, tenant in tenants.items()}


def _file_said(path: Path) -> dict[str, Said]:
    name = path.stem
    try:
        _name.validate_python(name)
    except ValidationError:
        return {name: Said(Refused(f"{path}: a tenant's name has a-z, 0-9, - and _ only; rename the file"))}
    with noting_secrets() as secrets:
        tenant = _parsed(path)
    return {name: Said(tenant, tuple(secrets))}


def _parsed(path: Path) -> TenantSettings | Refused:
    try:
        content = yaml.load(path.read_bytes(), _Loader)  # noqa: S506 (the safe one)  # nosec B506
        return TenantSettings.model_validate({} if content is None else content)
    except ValidationError as error:
        return Refused("; ".join(f"{path}: {fault}" for fault in faults(error)), _accounts(content))
    except OSError as error:
        return Refused(f"{path}: cannot be read: {error.strerror}")
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        return Refused(f"{path}: is not YAML: {' '.join(str(error).split())}")


def _accounts(content: Any) -> frozenset[str] | None:
    """The accounts that a file names which is wrong in another place."""
    match content:
        case {"account_sid": str() as sid, **others}:
            subaccounts = others.get("subaccounts", {})
            return frozenset({sid, *map(str, subaccounts)}) if isinstance(subaccounts, dict) else None
    return None


def _kept(before: _Read | None, said: dict[str, Said]) -> dict[str, Said]:
    """What says the same as before is the same object: nobody makes anything of it again."""
    if before is None:
        return said
    return {name: before.said[name] if before.said.get(name) == now else now for name, now in said.items()}


def _secrets(said: Mapping[str, Said]) -> list[Path]:
    return [one.path for each in said.values() for one in each.secrets]


def _stamps(path: str | None, secrets: list[Path]) -> tuple[Stamp | None, ...]:
    files: list[str | Path] = [path] if path else []
    return tuple(_stamp(one) for one in [*files, *secrets])


def _stamp(path: str | Path) -> Stamp | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
