"""Whether a message that Twilio lists is taken for a command's, by what else the log knows of its person."""

from typing import Any, cast

from services.domain.messages.finding import Listed
from services.domain.messages.posted import posted
from services.domain.outbox.entry import Entry, row_key
from services.domain.outbox.facts import Unknown
from services.domain.studio.stopping import InFlows, Walking
from services.runtime.folding.partition import Partition
from services.sender.messages.finding import Finding, Times
from services.sender.messages.listing import Listing
from services.sender.tables import IN_FLOWS, OUTBOX
from tests.sender.histories import accepted, at, attempted, attempting, history

PHOTO = "https://cdn.example.com/photo.jpg"


class Person:
    """A partition with one ambiguous command, and a list of the person's messages."""

    def __init__(self, **said: Any) -> None:
        entry, _ = history([accepted(**said), attempting(1, 10), attempted(1, Unknown(reason="no answer"), 20)])
        self.entry = cast(Entry, entry)
        self.flows: InFlows | None = None
        self.listed: list[Listed] = []

    def read(self, key: str, table: str) -> Any:
        rows = {(row_key(self.entry), OUTBOX): self.entry, (self.entry.order_key, IN_FLOWS): self.flows}
        return rows.get((key, table))

    def under(self, _table: str, _prefix: str, _limit: int) -> list[str]:
        return [row_key(self.entry)]

    async def messages_to(self, _address: str) -> list[Listed]:
        return self.listed

    async def found(self) -> str | None:
        finding = Finding(
            lambda _: cast(Listing, self), lambda _: None, Times(15.0, 10.0), lambda one: posted(one, (), None)
        )
        settled = await finding.find(cast(Partition, self), self.entry)
        return settled.created.sid if settled and settled.created else None


def walked(by_person: bool) -> InFlows:
    walk = Walking(account_sid="AC1", flow_sid="FW1", started_at=at(0), by_person=by_person, over=True)
    return InFlows(tenant="acme", contact="acme|1", heard_at=at(0), executions={"FN1": walk})


async def test_a_picture_is_nobodys_where_the_person_is_in_a_flow_whoever_began_it() -> None:
    """A flow that a person began by writing to us sends pictures too, and no command says so."""
    person = Person(body=None, media_urls=[PHOTO], channel="mms", to="+14155550123", from_="+14155550100")
    person.listed = [
        Listed("SM1", "outbound-api", "+14155550123", "+14155550100", None, "", "sent", at(12), "AC1", num_media=1)
    ]
    assert await person.found() == "SM1"
    for by_person in (True, False):
        person.flows = walked(by_person)
        assert await person.found() is None


async def test_a_text_tells_its_message_also_there() -> None:
    person = Person(body="hello", to="+14155550123", from_="+14155550100")
    person.listed = [
        Listed("SM1", "outbound-api", "+14155550123", "+14155550100", None, "hello", "sent", at(12), "AC1")
    ]
    person.flows = walked(True)
    assert await person.found() == "SM1"
