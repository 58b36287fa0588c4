"""docs/metrics.md, from the registries; who tests rules and dashboards asks here what is exported."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from prometheus_client import REGISTRY, CollectorRegistry, Metric
from prometheus_client.metrics import MetricWrapperBase

# Whatever makes a metric is loaded by these.
from services.cli.serve import ingress, poller, processor, sender, simulator  # noqa: F401
from services.ingress.metrics import INGRESS
from services.media.counting import MEDIA
from services.poller.metrics import POLLER
from services.processor.metrics import PROCESSOR
from services.runtime.metrics import FOLDING
from services.sender.metrics import SENDER

_HEAD = """# Metrics

For whoever watches Switchboard or writes an alert. This page is made from the code by `make docs`.

Each service answers `/metrics` on its operations port ([where that is](deploy.md#what-runs)), with its own metrics and those of every
service; the usual `process_*` and `python_*` beside them. Times are in seconds, sizes in bytes. Label values are ours or the settings',
never a stranger's text. A histogram `x` is exported as `x_bucket`, `x_sum` and `x_count`.

Alerts and dashboards come with the chart; a test holds every name in them against this page: [runbooks](runbooks.md). A worker tells the
lag of the partitions that it owns: of those that nobody owns, your exporter for Kafka knows.

"""
REGISTRIES: Mapping[str, CollectorRegistry] = {
    "Every service": REGISTRY,
    "Ingress": INGRESS,
    "Processor, sender, poller and media": FOLDING,
    "Processor": PROCESSOR,
    "Sender": SENDER,
    "Poller": POLLER,
    "Media": MEDIA,
}
_EXPORTED = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}


class Family(NamedTuple):
    """A metric: its name as it is written in a query (a histogram's without its ending), `samples` as exported."""

    name: str
    type: str
    labels: tuple[str, ...]
    text: str
    samples: tuple[str, ...]


def page() -> str:
    """The whole page."""
    return _HEAD + "\n".join(_section(title, registry) for title, registry in REGISTRIES.items())


def families(registry: CollectorRegistry) -> Iterator[Family]:
    """Those of ours, by name."""
    found = (one for collector in registry._collector_to_names for one in _told(collector))
    for one, labels in sorted(found, key=lambda found: found[0].name):
        samples = tuple(f"{one.name}{ending}" for ending in _EXPORTED[one.type])
        yield Family(samples[0] if len(samples) == 1 else one.name, one.type, labels, one.documentation, samples)


def _told(collector: Any) -> Iterator[tuple[Metric, tuple[str, ...]]]:
    """Families with their labels: of a metric, or of what is computed when it is asked."""
    if isinstance(collector, MetricWrapperBase):
        yield from ((one, tuple(collector._labelnames)) for one in collector.describe())
    else:
        ours = (one for one in collector.collect() if one.name.startswith("switchboard_"))
        yield from ((one, tuple(getattr(one, "_labelnames", ()))) for one in ours)


def _section(title: str, registry: CollectorRegistry) -> str:
    rows = "\n".join(
        f"| `{one.name}` | {one.type} | {', '.join(f'`{label}`' for label in one.labels)} | {one.text} |"
        for one in families(registry)
    )
    return f"## {title}\n\n| metric | type | labels | |\n| --- | --- | --- | --- |\n{rows}\n"
