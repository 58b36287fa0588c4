"""The tenants' files of an episode: written, spoilt and removed while everything runs, as an operator does it."""

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.faults.settings import TENANT, acme


@dataclass
class Folder:
    """A file for each tenant, replaced by a rename. `alone`: held while the load's own tenant is another one."""

    path: Path
    said: dict[str, dict[str, Any]] = field(default_factory=dict)
    alone: asyncio.Lock = field(default_factory=asyncio.Lock)

    @classmethod
    def made(cls, folder: Path) -> "Folder":
        """The folder beside the settings, with the tenant of the load in it."""
        files = cls(folder / "tenants")
        files.path.mkdir()
        files.put(TENANT, **acme())
        return files

    def put(self, name: str, **changes: Any) -> float:
        """Change keys of a tenant's file; when that was (Unix seconds). None takes a key off."""
        said = {**self.said.get(name, {}), **changes}
        self.said[name] = {key: value for key, value in said.items() if value is not None}
        return self._write(name, self.said[name])

    def spoil(self, name: str) -> None:
        """Make it a file that cannot be used, until it is put again."""
        self._write(name, {**self.said[name], "stat": "closed"})

    def remove(self, name: str) -> None:
        del self.said[name]
        self._file(name).unlink()

    def _write(self, name: str, content: dict[str, Any]) -> float:
        at = time.time()
        following = self.path / f".{name}.next"
        following.write_text(yaml.safe_dump(content), encoding="utf-8")
        following.replace(self._file(name))
        return at

    def _file(self, name: str) -> Path:
        return self.path / f"{name}.yaml"
