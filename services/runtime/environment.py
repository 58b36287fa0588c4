"""Which variables of the environment are ours: a `SWITCHBOARD_` variable that is no setting is somebody's mistake."""

import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Literal

PREFIX = "SWITCHBOARD_"
# Read elsewhere: the settings file, the token that a person shows, the log, the downloads of the embedded Kafka.
_OTHERS = frozenset(PREFIX + name for name in ("CONFIG", "TOKEN", "LOG_LEVEL", "CACHE", "MAVEN_URL"))
# Kubernetes sets these for each service of the namespace. One named `switchboard-…` gets our prefix.
_OF_A_SERVICE = re.compile(r"_SERVICE_(HOST|PORT(_\w+)?)$|_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$")
_A_PORT = re.compile(r"_PORT$")
_A_LINK = re.compile(r"^(tcp|udp|sctp)://")


def strays(environment: Mapping[str, str], sections: Iterable[str], secrets: Iterable[str]) -> list[str]:
    """A sentence for each variable with our prefix that nobody reads.

    `sections`: the top-level keys of the settings. `secrets`: the variables that settings name by `{env: …}`.
    """
    known, named = set(sections), {*_OTHERS, *secrets}
    return [
        f"{name}: no such setting{_meant(name, known)}"
        for name, value in sorted(environment.items())
        if name.upper().startswith(PREFIX)
        and name not in named
        and _section(name) not in known
        and not _of_kubernetes(name, value)
    ]


def named_secrets(settings: object, kind: Literal["env", "file"] = "env") -> Iterator[str]:
    """The variables named by `{env: NAME}` in settings as they were parsed, or the files by `{file: PATH}`."""
    match settings:
        case Mapping() if settings.keys() == {kind} and isinstance(name := settings[kind], str):
            yield name
        case Mapping():
            for value in settings.values():
                yield from named_secrets(value, kind)
        case list():
            for value in settings:
                yield from named_secrets(value, kind)


def _section(name: str) -> str:
    return name[len(PREFIX) :].partition("__")[0].lower()


def _of_kubernetes(name: str, value: str) -> bool:
    return bool(_OF_A_SERVICE.search(name) or (_A_PORT.search(name) and _A_LINK.match(value)))


def _meant(name: str, known: set[str]) -> str:
    """What it may have meant, and what to do about it."""
    key = _section(name)
    if section := next((one for one in known if key.startswith(f"{one}_")), None):
        return f"; write {PREFIX}{section.upper()}__{key[len(section) + 1 :].upper()} (two underscores), or unset it"
    if close := get_close_matches(key, known, 1):
        return f"; {PREFIX}{close[0].upper()}__… is one. Correct it, or unset it"
    return "; unset it, or rename it if it holds a secret that the settings do not name by {env: …}"
