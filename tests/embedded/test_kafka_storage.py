"""The log folder of a broker is formatted by Kafka once, and copied from then on where nothing of it is one's own."""

import sys
from pathlib import Path

import pytest

from services.embedded import storage
from services.embedded.errors import BrokerFailedError
from services.embedded.layout import Layout

WRITTEN = ("bootstrap.checkpoint", "meta.properties")
NO_JAVA = (sys.executable, "-c", "raise SystemExit('Java runs')")


def formats(layout: Layout) -> tuple[str, ...]:
    """Formats this folder as Kafka does."""
    return (
        sys.executable,
        "-c",
        f"from pathlib import Path; data = Path({str(layout.data)!r}); data.mkdir()\n"
        f"for name in {WRITTEN}: (data / name).write_text('by Kafka: ' + name)",
    )


def laid(folder: Path) -> Layout:
    folder.mkdir()
    return Layout(folder, 1, 2)


def test_formatting_is_kafkas_once_and_a_copy_afterwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_CACHE", str(laid(tmp_path / "cache").folder))
    first, second, half = (laid(tmp_path / name) for name in ("first", "second", "half"))
    with pytest.raises(BrokerFailedError, match="Java runs"):
        storage.prepare(first, NO_JAVA, {})
    storage.prepare(first, formats(first), {})
    # A copy that was killed is no copy.
    half.data.mkdir()
    (half.data / WRITTEN[0]).write_text("hal")
    for layout in (second, half):
        storage.prepare(layout, NO_JAVA, {})
        assert {one.name: one.read_text() for one in layout.data.iterdir()} == {
            name: f"by Kafka: {name}" for name in WRITTEN
        }


def test_who_has_settings_of_its_own_is_formatted_by_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_CACHE", str(laid(tmp_path / "cache").folder))
    alike, other = laid(tmp_path / "alike"), laid(tmp_path / "other")
    own = {"num.partitions": "2"}
    storage.prepare(other, formats(other), own)
    with pytest.raises(BrokerFailedError, match="Java runs"):
        storage.prepare(alike, NO_JAVA, {})
    storage.prepare(alike, formats(alike), {})
    with pytest.raises(BrokerFailedError, match="Java runs"):
        storage.prepare(laid(tmp_path / "another"), NO_JAVA, own)
