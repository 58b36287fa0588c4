"""What keyword rules bring about: tickets that are delivered by HTTP, and commands."""

from services.contract.fold import POLLER_APP, FoldContract, Product
from services.contract.messages import KEYWORDS, MESSAGES, TICKETS
from services.contract.studio import STARTS

# A ticket that was given up is tried again because a person says so, on the topic that tells of it.
KEYWORDS_FOLD = FoldContract(
    POLLER_APP, "keywords", (KEYWORDS, TICKETS), ("tickets", "rulecommands"), (TICKETS, MESSAGES, STARTS)
)

PRODUCT = Product((), (KEYWORDS_FOLD,))
