"""Reading files: CSV as spreadsheets write it, Parquet, and what is neither."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet

from services.operations.consent_import.errors import ImportFileError
from services.operations.consent_import.table import TableFile


def csv_file(folder: Path, content: bytes) -> Path:
    file = folder / "people.csv"
    file.write_bytes(content)
    return file


def test_a_csv_is_read_with_its_mark_quotes_and_blank_cells(tmp_path: Path) -> None:
    content = '\ufeffaddress,proof,ip\r\n+14155550123,"said ""no"",\ntwice", \r\n+14155550124,,192.0.2.7\r\n'
    opened = TableFile(csv_file(tmp_path, content.encode()), ",")
    assert opened.columns == ["address", "proof", "ip"]
    assert opened.count() is None
    assert [(row.number, dict(row.cells)) for row in opened.rows()] == [
        (1, {"address": "+14155550123", "proof": 'said "no",\ntwice'}),
        (2, {"address": "+14155550124", "ip": "192.0.2.7"}),
    ]


def test_another_delimiter_and_cells_beyond_the_header(tmp_path: Path) -> None:
    opened = TableFile(csv_file(tmp_path, b"address;action\n+1;opt_out;more\n"), ";")
    assert [dict(row.cells) for row in opened.rows()] == [{"address": "+1", "action": "opt_out", "~more": "more"}]


def test_parquet_gives_numbers_and_times_as_text(tmp_path: Path) -> None:
    file = tmp_path / "people.parquet"
    moment = datetime(2025, 3, 4, 10, tzinfo=UTC)
    table = pyarrow.table({"address": [14155550123, None], "given_at": [moment, moment]})
    parquet.write_table(table, file)
    opened = TableFile(file, ",")
    assert (opened.columns, opened.count()) == (["address", "given_at"], 2)
    assert [dict(row.cells) for row in opened.rows()] == [
        {"address": "14155550123", "given_at": "2025-03-04T10:00:00+00:00"},
        {"given_at": "2025-03-04T10:00:00+00:00"},
    ]


def test_what_cannot_be_read_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ImportFileError, match="cannot be read"):
        _ = TableFile(tmp_path / "nothing.csv", ",").columns
    with pytest.raises(ImportFileError, match="not UTF-8"):
        _ = TableFile(csv_file(tmp_path, "année\n".encode("latin-1")), ",").columns
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"PAR1 and nothing else")
    with pytest.raises(ImportFileError, match="cannot be read"):
        list(TableFile(broken, ",").rows())
