"""What countries ask of messages: the file beside this one, with its sources, and what a tenant sets in its place."""

import tomllib
from collections.abc import Mapping
from importlib.resources import files

import msgspec

from services.domain.compliance.countries import CountryRules, Rows

_FILE = "countries.toml"


def read(text: str) -> dict[str, CountryRules]:
    """By ISO code. Raises ValueError for a file that is none, or a field that no row has."""
    return msgspec.convert(_dated(tomllib.loads(text)), dict[str, CountryRules])


def _dated(rows: Mapping[str, dict[str, object]]) -> dict[str, dict[str, object]]:
    """The day on which a source was read, as it is shown."""
    return {
        code: {**row, "sources": [[where, str(day)] for where, day in row.pop("sources", [])]}  # type: ignore[attr-defined]
        for code, row in rows.items()
    }


ROWS: Rows = read(files("services.runtime").joinpath(_FILE).read_text("utf-8"))
