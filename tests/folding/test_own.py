"""Two folds of one app on one topic would starve each other silently, so the app does not come to be."""

from pathlib import Path

import pytest

from services.runtime.folding.app import fold_app
from services.runtime.folding.fold import Fold, Step, Table
from services.runtime.sections.kafka import KafkaSettings
from services.runtime.sections.worker import WorkerSettings
from tests.folding import tally


def _named(name: str, topic: str, table: str) -> Fold:
    one = tally.tally_fold(topic)
    step = one.steps[0]
    assert step.table is not None
    kept = Table(table, step.table.row, step.table.key)
    return Fold(one.contract._replace(name=name, keeps=(table,)), (Step(step.function, kept),))


@pytest.mark.parametrize(
    ("second", "claimed"),
    [
        (("first", "b.v1", "b"), "name first"),
        (("second", "a.v1", "b"), "topic a.v1"),
        (("second", "b.v1", "a"), "table a"),
    ],
)
def test_two_folds_of_one_app_share_nothing(tmp_path: Path, second: tuple[str, str, str], claimed: str) -> None:
    folds = [_named("first", "a.v1", "a"), _named(*second)]
    with pytest.raises(ValueError, match=f"both claim {claimed}; make one fold of them"):
        fold_app("own", folds, KafkaSettings(bootstrap="127.0.0.1:9"), WorkerSettings(data_dir=tmp_path / "data"))
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("named", [(), ("other",), (tally.FOLD, "other")])
def test_a_fold_keeps_the_tables_of_its_contract_and_no_others(named: tuple[str, ...]) -> None:
    """Their changelogs are made by the contract: a table without one would stop the worker."""
    one = tally.tally_fold("a.v1")
    with pytest.raises(ValueError, match="fold tally keeps tally; its contract says"):
        Fold(one.contract._replace(keeps=named), one.steps)
