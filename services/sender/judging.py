"""Whether a command may go: the gate's verdict, by all that stood on the log when it was asked."""

from collections.abc import Mapping
from typing import NamedTuple

from msgspec.structs import replace

from services.domain.consent.standing import Standing
from services.domain.gate.conditions import MEDIA
from services.domain.gate.decide import decide
from services.domain.gate.media import picked
from services.domain.gate.question import Question
from services.domain.gate.receipt import Receipt
from services.domain.outbox.verdicts import ALLOW, Verdict
from services.domain.senders.names import name_of
from services.runtime.folding.partition import Partition
from services.runtime.tenants.live import Tenants
from services.sender.barrier import Barrier
from services.sender.outbound import Addressed, Products
from services.sender.seeing import Beside, Followed, Seeing
from services.sender.tables import SUPPRESSION


class Judgement(NamedTuple):
    verdict: Verdict
    receipt: Receipt


class Judging:
    """The gate, asked in time."""

    def __init__(
        self, products: Products, tenants: Tenants, barrier: Barrier, followed: Followed, beside: Beside
    ) -> None:
        self._products = products
        self._barrier = barrier
        self._lookups, self._looks = beside.lookups, beside.looks
        self._directories, self._catalogues, self._registries = followed
        self._seeing = Seeing(products, tenants, followed, beside)

    async def judge(self, partition: Partition, command: Addressed) -> Judgement:
        """Judge a command by all that was on the log when this was asked; of our senders, when the process began."""
        await self._directories.read()
        await self._registries.read()
        if self._products[command.kind].template(command) is not None:
            await self._catalogues.read()
        await self._see_media(partition, command)
        while True:
            before: Standing | None = partition.read(command.contact, SUPPRESSION)
            with partition.deciding():
                offsets = await self._barrier.passed(partition)
            after: Standing | None = partition.read(command.contact, SUPPRESSION)
            # A release that came in between may have been read before what was retried, which stands on the log then.
            if after is before or _released(after) == _released(before):
                return self.look(partition, command, offsets)

    async def _see_media(self, partition: Partition, command: Addressed) -> None:
        """Before the log is read to its end: whoever waited looks at what was said meanwhile."""
        urls = self._products[command.kind].media(command)
        if urls and (judged := self.look(partition, command)).receipt.view.media_look and judged.verdict.rule == MEDIA:
            await self._looks.soon(partition, judged.receipt.question, urls)

    def look_again(self, partition: Partition, command: Addressed, asked: Question) -> Judgement:
        """The same by what is folded now. `asked`: what was looked at of it, which does not change."""
        return self._look(partition, command, asked, {})

    def look(self, partition: Partition, command: Addressed, offsets: dict[str, int] | None = None) -> Judgement:
        """Judge a command by what is folded now."""
        return self._look(partition, command, self._products[command.kind].ask(command), offsets or {})

    def _look(self, partition: Partition, command: Addressed, question: Question, offsets: dict[str, int]) -> Judgement:
        view = self._seeing.view(partition, command, question)
        verdict = decide(question, view)
        if verdict == ALLOW and question.act == "message" and self._lookups.wanted(partition, command, view.now):
            view = replace(view, looked_up=False)
            verdict = decide(question, view)
        receipt = Receipt(question=question, view=view, offsets=offsets, goes_as=picked(question, view))
        return Judgement(verdict, receipt)

    def knows(self, command: Addressed) -> bool:
        """Whether a command's sender is listed as one of ours."""
        directory = self._directories.of(command.tenant)
        return bool(directory.services(name_of(command.sender) or "") or directory.members(command.sender))


def _released(standing: Standing | None) -> Mapping[str, tuple[tuple[int, ...], int]]:
    """What holds of a contact were released, by where their records stand."""
    found = standing.holds.items() if standing else ()
    return {name: (one.released, one.through) for name, one in found if one.released or one.through >= 0}
