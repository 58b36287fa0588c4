"""`--config`, which may stand before or after the command."""

import os
from pathlib import Path
from typing import Annotated

import typer


def _name_file(file: Path | None) -> None:
    if file is not None:
        os.environ["SWITCHBOARD_CONFIG"] = str(file)


Config = Annotated[
    Path | None, typer.Option("--config", callback=_name_file, help="The settings file; also SWITCHBOARD_CONFIG.")
]
