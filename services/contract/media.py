"""Files that people sent, on the log: what became of their copies."""

from services.contract.fold import MEDIA_APP, FoldContract, Product
from services.contract.messages import INBOUND
from services.contract.topic import MONTH, Topic
from services.domain.messages.copies import MediumTold

MEDIA = Topic("twilio.media.v1", MediumTold, lambda e: e.contact, "contact", MONTH)
COPIES_FOLD = FoldContract(MEDIA_APP, "copies", (INBOUND,), ("copies",), (MEDIA,))

PRODUCT = Product((MEDIA,), (COPIES_FOLD,))
