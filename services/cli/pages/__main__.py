"""`python -m services.cli.pages`: write the pages that are made from code."""

from pathlib import Path

from services.cli.pages.all import PAGES


def main() -> None:
    folder = Path("docs")
    for name, make in PAGES.items():
        (folder / name).write_text(make(), encoding="utf-8")


main()
