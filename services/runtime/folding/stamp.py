"""What a store says of its rows as a whole: how far the changelog is in them, and whether the rest may follow."""

from pathlib import Path
from typing import NamedTuple

from services.contract.plan import TOMBSTONES_KEPT
from services.domain.aliases import ALIAS_VERSION
from services.runtime.section import ConfigError

# Going on would give people second keys, under which nobody has said no.
OTHER_ALIASES = (
    f"this release makes keys by version {ALIAS_VERSION}. Start the release that wrote it, or begin with empty topics "
    "and an empty data_dir; docs/addresses.md says more"
)
# In place of an index version, while rows are written without their index entries.
UNDERIVED = b"-"


class Stamp(NamedTuple):
    """Of which changelog offset the rows are; since when no removal was missed (Unix seconds); of which version their
    index is."""

    offset: int
    at: float
    indexed: bytes

    @classmethod
    def read(cls, stored: bytes, where: Path) -> "Stamp":
        """As it is stored. Raises ConfigError for other aliases; `where`: for people."""
        offset, at, *versions = stored.split()
        if versions[:1] != [b"%d" % ALIAS_VERSION]:
            written = versions[0].decode() if versions else "none"
            raise ConfigError(f"{where}: its rows are keyed by alias version {written}; {OTHER_ALIASES}")
        return cls(int(offset), float(at), versions[1] if len(versions) > 1 else UNDERIVED)

    def __bytes__(self) -> bytes:
        return b"%d %.3f %d %s" % (self.offset, self.at, ALIAS_VERSION, self.indexed)

    def stands_at(self, end: int) -> bool:
        """Has nothing come to a changelog with this end since?"""
        # After the last record nothing stands but the mark that ends its transaction.
        return end - 2 <= self.offset < end

    def unfit(self, end: int, moment: float) -> str | None:
        """Why the rest of a changelog with this end may not follow."""
        if self.offset >= end:
            return (
                f"it is at {self.offset}, beyond the changelog's end {end}: of another cluster, or of an earlier topic"
            )
        if moment - self.at > TOMBSTONES_KEPT.total_seconds():
            return "it is older than removals are kept in the changelog, and would keep rows that are gone"
        return None
