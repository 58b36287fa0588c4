"""Which of the files that the settings are made of have changed: the settings file, and the secrets that it names."""

from collections.abc import Iterator
from pathlib import Path

import yaml

from services.runtime.environment import named_secrets

Stamp = tuple[int, int] | None


class Files:
    """Looks at the files whenever it is asked."""

    def __init__(self, settings: Path) -> None:
        self._settings = settings
        self._seen = self._stamps()

    def changed(self) -> Path | None:
        """One that has changed, come or gone since it was asked last, or None."""
        before, self._seen = self._seen, self._stamps()
        return next((file for file, stamp in self._seen.items() if before.get(file) != stamp), None)

    def _stamps(self) -> dict[Path, Stamp]:
        return {file: _stamp(file) for file in (self._settings, *_secrets(self._settings))}


def _secrets(settings: Path) -> Iterator[Path]:
    try:
        written = yaml.safe_load(settings.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return
    yield from map(Path, named_secrets(written, "file"))


def _stamp(file: Path) -> Stamp:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
