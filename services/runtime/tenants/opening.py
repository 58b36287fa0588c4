"""How the tenants come to a process: watched in a service, read once in a command."""

from pathlib import Path

from services.runtime.config import Settings, load, settings_file
from services.runtime.section import ConfigError
from services.runtime.tenants.files import Found, TenantFiles
from services.runtime.tenants.live import Tenants
from services.runtime.tenants.watching import Compare, Watch


def opened(settings: Settings, compare: Compare | None) -> tuple[Tenants, Watch]:
    """The tenants of a service, and what brings them there and keeps them current while it is running.

    `compare`: how those that are new are held against what is known of them. Raises ConfigError.
    """
    files = _files(settings, settings_file())
    _first(files)
    tenants = Tenants()
    return tenants, Watch(tenants, files, compare=compare)


def tenants_of(settings: Settings) -> Tenants:
    """The tenants as their files say now. Raises ConfigError where the folder cannot be read."""
    tenants = Tenants()
    tenants.take(_first(_files(settings, settings_file())))
    return tenants


def found_at(path: Path) -> Found:
    """What a folder of tenants says, or a settings file with its own folder. Raises ConfigError."""
    if path.is_dir():
        return _first(TenantFiles(dict, None, path))
    return _first(_files(load(path), path))


def _first(files: TenantFiles) -> Found:
    found = files.look()
    if found.trouble:
        raise ConfigError(found.trouble)
    return found


def _files(settings: Settings, file: Path | None) -> TenantFiles:
    inline = (lambda: load(file).tenants) if file is not None else (lambda: settings.tenants)
    return TenantFiles(inline, file, settings.tenants_dir)
