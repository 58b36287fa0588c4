"""Metrics: every one belongs to a service, and is named as Prometheus' conventions want it."""

from prometheus_client import REGISTRY

from services.cli.pages.metrics import REGISTRIES, families

FAMILIES = {title: list(families(registry)) for title, registry in REGISTRIES.items()}


def test_no_name_stands_for_two_things() -> None:
    names = [one.name for own in FAMILIES.values() for one in own]
    assert len(names) == len(set(names))
    assert len(names) > 40
    assert all(name.startswith("switchboard_") for name in names)


def test_what_every_service_exports_is_of_every_service() -> None:
    """A metric without a registry would stand in each of them, with a zero that means nothing."""
    assert FAMILIES["Every service"]
    exported = {one.name for one in REGISTRY.collect() if one.name.startswith("switchboard_")}
    assert exported == {one.name.removesuffix("_total") for one in FAMILIES["Every service"]}
    assert not [one.name for one in FAMILIES["Every service"] if "ingress" in one.name or "fold" in one.name]


def test_names_end_in_their_unit() -> None:
    for own in FAMILIES.values():
        for one in own:
            assert (one.type == "counter") == one.name.endswith("_total"), one.name
            assert one.type != "histogram" or one.name.endswith("_seconds"), one.name
            assert one.text, one.name
