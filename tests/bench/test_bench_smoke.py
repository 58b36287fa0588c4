"""Does the bench still run? It asserts that there are figures, never which."""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

_FIGURES = re.compile(r"^\| [\w. ]+ \| [\d,.]+", re.MULTILINE)
_LIMIT_S = 600
# The rival's packages are the bench environment's alone; without them, a part that has no rival.
_RIVALS = "ingress" if find_spec("fastapi") and find_spec("uvicorn") and find_spec("multipart") else "latency"


@pytest.mark.slow
@pytest.mark.timeout(_LIMIT_S + 30)
@pytest.mark.parametrize("part", [_RIVALS, "growth"])
def test_bench_writes_figures_as_markdown(part: str, tmp_path: Path) -> None:
    tables = tmp_path / "tables.md"
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench", part, "--short", "--markdown", str(tables)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=_LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert _FIGURES.search(tables.read_text(encoding="utf-8"))
