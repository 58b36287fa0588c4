"""The products that are read, a line each."""

from services.poller.costs import COSTS
from services.poller.keywords import FOLD as KEYWORDS
from services.poller.messages import MESSAGES
from services.poller.polled import Polled
from services.poller.studio import STUDIO
from services.runtime.folding.fold import Fold

PRODUCTS: tuple[Polled, ...] = (MESSAGES, COSTS, STUDIO)
# Of those that read the same topics one fold, with the steps of all.
FOLDS = (
    *(
        Fold(contract, tuple(step for one in PRODUCTS if one.contract == contract for step in one.steps))
        for contract in dict.fromkeys(one.contract for one in PRODUCTS)
    ),
    KEYWORDS,
)
