"""The worker's topology: its fold, on what people say, into the table of what is to be copied."""

from services.contract.media import COPIES_FOLD
from services.domain.messages import copies
from services.runtime.folding.fold import Fold, Step, Table

TABLE = "copies"

FOLDS = (
    Fold(
        COPIES_FOLD,
        (
            Step(
                copies.fold,
                Table(TABLE, copies.Copies, copies.row_key, due=copies.due, lists=copies.lists),
                takes=copies.FACTS,
            ),
        ),
    ),
)
