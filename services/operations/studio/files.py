"""A flow's definition as a file: JSON, indented, so that version control shows what changed."""

import difflib
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from services.runtime.section import ConfigError

Definition = Mapping[str, Any]


def written(definition: Definition) -> str:
    """The content of the file. The order of widgets and fields stays Twilio's."""
    return json.dumps(definition, indent=2, ensure_ascii=False) + "\n"


def read(path: Path) -> Definition:
    """Raises ConfigError."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} is no flow: {error}; `switchboard studio export` writes such files") from None
    if not isinstance(found, dict) or "states" not in found:
        raise ConfigError(f"{path} is no flow: it has no states; `switchboard studio export` writes such files")
    return found


def differing(ours: Definition, theirs: Definition, names: tuple[str, str]) -> list[str]:
    """The lines of a unified diff from theirs to ours; nothing where both say the same. `names`: theirs, ours."""
    if ours == theirs:
        return []
    before, after = (json.dumps(one, indent=2, ensure_ascii=False, sort_keys=True) for one in (theirs, ours))
    return list(difflib.unified_diff(before.splitlines(), after.splitlines(), *names, lineterm=""))


def digest(definition: Definition) -> str:
    """A name for what it says, whatever the order of its fields."""
    said = json.dumps(definition, sort_keys=True, ensure_ascii=False)
    return "sha256:" + hashlib.sha256(said.encode()).hexdigest()[:16]
