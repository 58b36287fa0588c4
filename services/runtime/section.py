"""What all settings are made of: sections of keys, secrets that are named and kept elsewhere, faults as sentences."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, SecretStr, ValidationError, ValidationInfo


class ConfigError(Exception):
    """The settings cannot be used; the text names each key and what to do about it."""


class Section(BaseModel):
    """A part of the settings: unknown keys are errors, values are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SecretRead(NamedTuple):
    """A file that was read, or was to be, for a secret; `field` is the key in the settings."""

    field: str
    path: Path


_reads: ContextVar[list[SecretRead] | None] = ContextVar("reads", default=None)


@contextmanager
def noting_secrets() -> Iterator[list[SecretRead]]:
    """The secret files that settings read inside it name, in their order."""
    noted: list[SecretRead] = []
    token = _reads.set(noted)
    try:
        yield noted
    finally:
        _reads.reset(token)


def _read_secret(value: Any, info: ValidationInfo) -> Any:
    match value:
        case {"file": str(path)}:
            if (noted := _reads.get()) is not None:
                noted.append(SecretRead(info.field_name or "", Path(path)))
            try:
                text = Path(path).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
                where = "" if Path(path).is_absolute() else f" in {Path.cwd()}; write its whole path"
                raise ValueError(f"cannot read the secret file {path}: {why}{where}") from error
            if not text:
                raise ValueError(f"the secret file {path} is empty")
            return text
        case {"env": str(name)}:
            if not os.environ.get(name):
                raise ValueError(f"the environment variable {name} is not set; export it or use {{file: PATH}}")
            return os.environ[name]
        case SecretStr():
            return value
    raise ValueError("a secret is given as {file: PATH} or {env: NAME}, never in the file itself")


Secret = Annotated[SecretStr, BeforeValidator(_read_secret)]


def faults(error: ValidationError) -> list[str]:
    """One line per fault. The input is left out: it might be a secret."""
    lines = []
    for fault in error.errors(include_input=False, include_url=False):
        key = ".".join(str(part) for part in fault["loc"]) or "settings"
        reason = fault["msg"].removeprefix("Value error, ")
        if fault["type"] == "extra_forbidden":
            reason = "no such key; check its spelling and indentation"
        lines.append(f"{key}: {reason}")
    return lines
