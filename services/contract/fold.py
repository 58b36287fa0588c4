"""What a fold is to the log: the topics that it reads, the tables that it keeps, the topics that it emits to.

Which functions fold is said where they run; they keep these tables, and emit to these topics alone.
"""

from typing import NamedTuple

from services.contract.topic import Topic

# The processor's folds run in groups, an app each, so that a defect in one never buries what another has to fold. The
# app's id, by the group's name; none begins as another does.
PROCESSOR_APPS = {
    # Messages, and with them whom we may write to: both hear what people say, and how messages ended.
    "messages": "switchboard-processor-messages",
    # What became of commands, of whatever product.
    "commands": "switchboard-processor-commands",
}
SENDER_APP = "switchboard-sender"
POLLER_APP = "switchboard-poller"
MEDIA_APP = "switchboard-media"


class FoldContract(NamedTuple):
    """A fold of an app. `reads`: beside them stand the own topics of tenants, where one is public.

    All topics that it reads have one key, if it keeps a table: all facts of a row meet in one partition.
    """

    app: str
    name: str
    reads: tuple[Topic, ...]
    keeps: tuple[str, ...] = ()
    emits: tuple[Topic, ...] = ()

    @property
    def changelogs(self) -> tuple[str, ...]:
        return tuple(changelog(self.app, table) for table in self.keeps)


class Product(NamedTuple):
    """What a product puts on the log, and the folds that work on it."""

    topics: tuple[Topic, ...]
    folds: tuple[FoldContract, ...] = ()


def changelog(app: str, table: str) -> str:
    """The name that Faust gives a table's changelog."""
    return f"{app}-{table}-changelog"
