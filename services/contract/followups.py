"""Commands about messages that exist, on the log."""

from services.contract.fold import SENDER_APP, FoldContract, Product
from services.contract.outbound import ACCEPTED, RESULTS
from services.contract.topic import WEEK, Topic
from services.domain.followups.commands import FollowUp

FOLLOWUPS = Topic("twilio.outbound.followups.v1", FollowUp, lambda e: e.command_id, "anything", WEEK, public=True)
FOLLOWUPS_FOLD = FoldContract(SENDER_APP, "followups-intake", (FOLLOWUPS,), ("parkedfollowups",), (ACCEPTED, RESULTS))

PRODUCT = Product((FOLLOWUPS,), (FOLLOWUPS_FOLD,))
