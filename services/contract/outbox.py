"""The outbox: it remembers each accepted command of any product, and settles it by what comes back."""

from services.contract.fold import SENDER_APP, FoldContract, Product
from services.contract.messages import INBOUND, OUTCOMES, SENT
from services.contract.outbound import ACCEPTED, RESULTS
from services.contract.studio import EXPOSURES, STUDIO

OUTBOX_FOLD = FoldContract(
    SENDER_APP,
    "outbox",
    (ACCEPTED, OUTCOMES, INBOUND),
    # Beside the outbox stands what its gate looks at, of the same contacts; and what counts in budgets and looks.
    (
        "outbox",
        "spent",
        "lookedup",
        "pauses",
        "suppression",
        "sessions",
        "numbers",
        "inflows",
        "exposures",
        "introduced",
    ),
    # A refusal by which Twilio says that somebody opted out is an outcome; what a STOP ended is told of its execution.
    (ACCEPTED, RESULTS, SENT, OUTCOMES, STUDIO, EXPOSURES),
)

PRODUCT = Product((), (OUTBOX_FOLD,))
