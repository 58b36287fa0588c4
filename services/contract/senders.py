"""Our senders on the log."""

from services.contract.fold import Product
from services.contract.topic import Topic
from services.domain.senders import events as senders
from services.domain.senders.events import SendersStated

SENDERS = Topic("twilio.senders.v1", SendersStated, senders.key_of, "tenant and part", None, compacted=True)

PRODUCT = Product((SENDERS,))
