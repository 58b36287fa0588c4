"""`switchboard topics acls`: the rights at the broker that each service needs, as they are granted there."""

import json
from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

import typer
from rich.console import Console

from services.cli.refused import Refused
from services.contract.access import Grant, Resource, grants, producer_grants
from services.contract.fold import PROCESSOR_APPS

# As Kafka's own tool calls the resources.
_OPTION: dict[Resource, str] = {"topic": "--topic", "group": "--group", "transactionalId": "--transactional-id"}

PRODUCER = "producer"

Service = Annotated[
    str | None,
    typer.Argument(help="ingress, processor, sender, topics, operations, or producer with --tenant; all, if left out."),
]
Tenant = Annotated[str | None, typer.Option(help="Whose producers: of a tenant in kafka.tenant_topics.")]
User = Annotated[str, typer.Option(help="Kafka's user; {service} stands for the service's name.")]
Groups = Annotated[
    list[str] | None, typer.Option("--group", help="Of a processor that runs only this group; may be repeated.")
]
Form = Annotated[
    Literal["commands", "json"],
    typer.Option("--as", help="commands: arguments of Kafka's kafka-acls.sh; json: as Strimzi's KafkaUser has them."),
]


def acls(
    service: Service = None,
    tenant: Tenant = None,
    groups: Groups = None,
    user: User = "switchboard-{service}",
    form: Form = "commands",
) -> None:
    """Print what each service must be permitted at the broker, and nothing beyond it. Asks no broker."""
    if (service == PRODUCER) != (tenant is not None):
        raise Refused(f"{PRODUCER} and --tenant go together: the rights to write to that tenant's own topics")
    if unknown := sorted({*(groups or ())} - PROCESSOR_APPS.keys()):
        raise Refused(f"--group: no group is called {', '.join(unknown)}; there are {', '.join(PROCESSOR_APPS)}")
    wanted = {PRODUCER: producer_grants(tenant)} if tenant is not None else grants(groups or PROCESSOR_APPS)
    if service is not None and service not in wanted:
        raise Refused(f"{service}: there is no such service; name one of {', '.join(wanted)}")
    chosen = {name: found for name, found in wanted.items() if service in (None, name)}
    console = Console(highlight=False, soft_wrap=True)
    if form == "json":
        console.print(json.dumps({name: strimzi(found) for name, found in chosen.items()}, indent=2), markup=False)
        return
    for name, found in chosen.items():
        for line in arguments(found, user.format(service=name)):
            console.print(" ".join(line), markup=False)


def arguments(wanted: Iterable[Grant], user: str) -> Iterator[list[str]]:
    """Arguments of `kafka-acls.sh --bootstrap-server …`: a line for all resources that get the same."""
    together: dict[tuple[Resource, tuple[str, ...], bool], list[str]] = {}
    for grant in wanted:
        together.setdefault((grant.resource, grant.operations, grant.prefixed), []).append(grant.name)
    for (resource, operations, prefixed), names in together.items():
        pattern = ["--resource-pattern-type", "prefixed"] if prefixed else []
        what = [part for one in operations for part in ("--operation", one)]
        on = [part for name in names for part in (_OPTION[resource], name)]
        yield ["--add", "--allow-principal", f"User:{user}", *what, *pattern, *on]


def strimzi(wanted: Iterable[Grant]) -> list[dict[str, object]]:
    """As `spec.authorization.acls` of a KafkaUser."""
    return [
        {
            "resource": {
                "type": grant.resource,
                "name": grant.name,
                "patternType": "prefix" if grant.prefixed else "literal",
            },
            "operations": list(grant.operations),
        }
        for grant in wanted
    ]
