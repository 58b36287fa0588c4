"""docs/topics.md, from the registry."""

import inspect
import re
from datetime import timedelta

from services.contract.topic import Topic
from services.contract.topics import DEAD, EVENTS

_HEAD = """# Topics

For whoever produces to Switchboard's topics or reads them. This page is made from the topic registry by `make docs`.

```sh
switchboard topics plan       # what would change at the broker, and why
switchboard topics apply      # creates, mends settings; never deletes, never changes a partition count
```

Values are JSON, but for dead letters; the schemas are in [`schemas/`](../schemas). Headers name the content type, the schema and the
`traceparent`. Anyone may produce to a topic that is marked public, with any key. A tenant may have public topics of its own beside
them, `{name without .v1}.t.{tenant}.v1`, of the same shape, whose dead letters go where the shared topic's go: [keep producers
apart](tenants.md#keep-producers-apart).

- A contact key is `{tenant}|{hash}`: a keyed hash of the person's address. No address stands in a key.
- Each event has an `event_id` made from its content. The same fact has the same id, wherever it comes from.
- Derived events are written in transactions. Read with `isolation.level=read_committed` (librdkafka's default) to see each once.
- A partition count never changes: keys would be looked for where they are not. Growing is a new topic and a migration.
"""


def page() -> str:
    """The whole page."""
    rows = "\n".join(_row(topic) for topic in EVENTS)
    holds = "\n\n".join(_section(topic) for topic in EVENTS)
    retention = _kept(DEAD[0])
    return (
        f"{_HEAD}\n| topic | key | kept | public |\n| --- | --- | --- | --- |\n{rows}\n"
        f"| `*.dead.v1`, one for each of {len(DEAD)} topics | as its source | {retention} | |\n\n"
        "What a dead letter is: [dead letters](dead-letters.md). How to count messages: [deliverability](deliverability.md).\n\n"
        f"{holds}\n"
    )


def _row(topic: Topic) -> str:
    public = "yes" if topic.public else ""
    return f"| [`{topic.name}`](#{_anchor(topic.name)}) | {topic.key_is} | {_kept(topic)} | {public} |"


def _section(topic: Topic) -> str:
    said = "\n\n".join(f"**{type_.__name__}.** {_told(type_)}" for type_ in topic.types)
    return f"## {topic.name}\n\n{said}"


def _told(type_: type) -> str:
    text = inspect.cleandoc(type_.__doc__ or "")
    # The place is known here.
    text = re.sub(r" \(`twilio\.[^)]*\)", "", text)
    return re.sub(r"(?<!\n)\n(?!\n)", " ", text)


def _kept(topic: Topic) -> str:
    if topic.compacted:
        return "the last of each key"
    return "for ever" if topic.retention is None else f"{topic.retention // timedelta(days=1)} days"


def _anchor(name: str) -> str:
    return name.replace(".", "")
