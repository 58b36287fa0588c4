"""The two walks of docs/layout.md: their files are there, as many as it says, and rooms list theirs in that order."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

SERVICES = Path(__file__).parents[2] / "services"
LAYOUT = (SERVICES.parent / "docs" / "layout.md").read_text("utf-8")
WALKS = {"A status webhook": 20, "A command": 25}


def walked(which: str) -> list[Path]:
    """The files of a walk, in order."""
    table = LAYOUT.partition(f"\n{which}, {WALKS[which]} files:\n\n")[2].partition("\n\n")[0]
    rows = [re.findall(r"`([\w/]+)`", row) for row in table.splitlines()[2:]]
    return [SERVICES / room / f"{name}.py" for room, *names in rows for name in names]


def rooms(files: list[Path]) -> Iterator[tuple[Path, list[str]]]:
    for room in dict.fromkeys(file.parent for file in files):
        yield room, [file.stem for file in files if file.parent == room]


@pytest.mark.parametrize("which", WALKS)
def test_a_walk_opens_each_file_once_and_as_many_as_it_says(which: str) -> None:
    files = walked(which)
    assert [str(file) for file in files if not file.exists()] == []
    assert len(set(files)) == len(files) == WALKS[which]


@pytest.mark.parametrize("which", WALKS)
def test_a_room_lists_its_files_in_the_order_of_the_walk(which: str) -> None:
    for room, names in rooms(walked(which)):
        listed = iter(re.findall(r"\w+", ast.get_docstring(ast.parse((room / "__init__.py").read_text("utf-8"))) or ""))
        assert [name for name in names if name not in listed] == [], room
