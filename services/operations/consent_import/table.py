"""Reading a file of statements, row by row: CSV by the standard library, Parquet by pyarrow, an extra."""

import csv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple

from services.operations.consent_import.errors import ImportFileError

try:
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile
except ImportError:
    ParquetFile = None
    ArrowException = OSError

_BATCH = 10_000
# Of a cell; a proof has 4,000 characters at the most.
_LONGEST_CELL = 1 << 20


class Row(NamedTuple):
    """One row: its number, the first below the header is 1, and its cells as text, blank ones left out."""

    number: int
    cells: Mapping[str, str]


class TableFile:
    """A file with a header. Raises ImportFileError where it cannot be read."""

    def __init__(self, path: Path, delimiter: str) -> None:
        self._path = path
        self._delimiter = delimiter
        self._parquet = path.suffix.lower() == ".parquet"
        if self._parquet and ParquetFile is None:
            raise ImportFileError(f"{path}: Parquet needs pyarrow; install switchboard[parquet], or export it as CSV")

    @property
    def columns(self) -> list[str]:
        """The names in its header."""
        with self._readable():
            if self._parquet:
                with ParquetFile(self._path) as file:
                    return list(file.schema_arrow.names)
            with self._path.open(encoding="utf-8-sig", newline="") as lines:
                return [name.strip() for name in next(csv.reader(lines, delimiter=self._delimiter), [])]

    def count(self) -> int | None:
        """How many rows there are, where the file says so."""
        if not self._parquet:
            return None
        with self._readable(), ParquetFile(self._path) as file:
            return int(file.metadata.num_rows)

    def rows(self) -> Iterator[Row]:
        """Every row, in the file's order; no more than some thousands of them are in memory."""
        with self._readable():
            for number, cells in enumerate(self._parquet_rows() if self._parquet else self._csv_rows(), start=1):
                yield Row(number, {name: text for name, cell in cells.items() if (text := _text(cell))})

    def _csv_rows(self) -> Iterator[Mapping[str, Any]]:
        csv.field_size_limit(_LONGEST_CELL)
        with self._path.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines, fieldnames=self.columns, delimiter=self._delimiter, restkey="~more")
            next(reader, None)
            yield from reader

    def _parquet_rows(self) -> Iterator[Mapping[str, Any]]:
        with ParquetFile(self._path) as file:
            for batch in file.iter_batches(batch_size=_BATCH):
                yield from batch.to_pylist()

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except UnicodeDecodeError as error:
            raise ImportFileError(
                f"{self._path} is not UTF-8 ({error.reason} at byte {error.start}); save it so"
            ) from error
        except (OSError, csv.Error, ArrowException) as error:
            raise ImportFileError(
                f"{self._path} cannot be read as CSV or Parquet; check that it is there, and whole"
            ) from error


def _text(cell: Any) -> str:
    if isinstance(cell, datetime | date):
        return cell.isoformat()
    if isinstance(cell, list):
        # Cells beyond the header.
        return ", ".join(map(str, cell))
    return "" if cell is None else str(cell).strip()
