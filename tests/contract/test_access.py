"""The rights of each service: all that its folds need, and nothing of another's. That they suffice is tried on a broker
with an authorizer (tests/helm/test_acls.py)."""

import json
from itertools import pairwise
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.cli import acls
from services.cli.main import app as commands
from services.contract.access import Grant, grants, producer_grants, topics_of
from services.contract.audit import AUDIT
from services.contract.compliance import COMPLIANCE
from services.contract.fold import PROCESSOR_APPS, changelog
from services.contract.letters import HANDLED
from services.contract.messages import INBOUND
from services.contract.prices import PRICES
from services.contract.senders import SENDERS
from services.contract.templates import TEMPLATES
from services.contract.tenants import TENANTS
from services.contract.topic import owner_of
from services.contract.topics import CHANGELOGS, DEAD, EVENTS, own_topics
from services.media.topology import FOLDS as COPIED
from services.poller.products import FOLDS as POLLED
from services.processor.topology import topology
from services.runtime.config import Settings
from services.runtime.folding.fold import Fold
from services.runtime.folding.ledger import fence_of
from services.runtime.sections.kafka import KafkaSettings
from services.runtime.tenants.live import Tenants
from services.sender.topology import folds
from tests.helm import made

WORKERS: dict[str, tuple[Fold, ...]] = {
    "processor": topology(Settings(), {}),
    "sender": folds(Settings(), Tenants()),
    "poller": POLLED,
    "media": COPIED,
}

LISTS = (TEMPLATES.name, PRICES.name, COMPLIANCE.name)


def names(service: str, operation: str) -> set[str]:
    return {one.name for one in topic_grants(service, operation) if not one.prefixed}


def topic_grants(service: str, operation: str) -> list[Grant]:
    return [one for one in grants()[service] if one.resource == "topic" and operation in one.operations]


@pytest.mark.parametrize("service", WORKERS)
def test_a_worker_reads_what_its_folds_read_and_keep_and_writes_what_they_keep_and_emit(service: str) -> None:
    own = WORKERS[service]
    tables = {changelog(fold.contract.app, table.name) for fold in own for table in fold.tables}
    sources = {topic.name for fold in own for topic in fold.sources}
    # The processor counts the letters that are open; the sender judges by templates; the poller holds the log against
    # Twilio's lists once a day, also what people wrote, knows whose senders are ours, and keeps some of these lists.
    read = {
        "processor": {SENDERS.name, HANDLED.name, *(topic.name for topic in DEAD)},
        "sender": {SENDERS.name, *LISTS},
        "poller": {INBOUND.name, SENDERS.name, *LISTS},
        "media": set(),
    }[service]
    assert names(service, "Read") == {TENANTS.name} | tables | sources | read
    dead = {topic.dead for fold in own for topic in fold.sources}
    emitted = {topic.name for fold in own for topic in fold.contract.emits}
    beside = {TENANTS.name, *{"processor": [AUDIT.name], "poller": [INBOUND.name, *LISTS]}.get(service, [])}
    assert names(service, "Write") == tables | dead | emitted | beside


@pytest.mark.parametrize("service", WORKERS)
def test_a_worker_commits_in_its_groups_and_takes_its_own_fences(service: str) -> None:
    apps = {fold.contract.app for fold in WORKERS[service]}
    groups = [one for one in grants()[service] if one.resource == "group"]
    assert {one.name for one in groups} == apps
    assert all(one.operations == ("Read",) and not one.prefixed for one in groups)
    fences = [one for one in grants()[service] if one.resource == "transactionalId"]
    assert all(one.prefixed for one in fences)
    for name, folds_of_it in WORKERS.items():
        for fold in folds_of_it:
            fence = fence_of(fold.contract.app, fold.name, 0)
            # One alone: else a group would have its right to the fence by another's.
            assert len([one for one in fences if fence.startswith(one.name)]) == (name == service)


@pytest.mark.parametrize("group", PROCESSOR_APPS)
def test_a_processor_of_one_group_has_what_that_group_needs_and_no_more(group: str) -> None:
    app = PROCESSOR_APPS[group]
    own = [fold for fold in WORKERS["processor"] if fold.contract.app == app]
    granted = grants([group])["processor"]
    assert [one.name for one in granted if one.resource == "group"] == [app]
    assert [one.name for one in granted if one.resource == "transactionalId"] == [f"{app}-"]
    sources = {topic.name for fold in own for topic in fold.sources}
    tables = {changelog(app, table.name) for fold in own for table in fold.tables}
    emitted = {topic.name for fold in own for topic in fold.contract.emits}
    dead = {topic.dead for fold in own for topic in fold.sources}
    counted = {HANDLED.name, *(topic.name for topic in DEAD)}
    wanted = counted | sources | tables | emitted | dead | {SENDERS.name, TENANTS.name, AUDIT.name}
    assert topics_of("processor", groups=[group]) == wanted
    assert {one.name for one in granted if one.resource == "topic"} == wanted


def test_topics_of_tenants_are_read_by_the_sender_and_made_by_who_makes_topics_and_written_by_their_tenant() -> None:
    settings = Settings(kafka=KafkaSettings(tenant_topics=["acme", "acme-2"]))
    own = {topic.name for fold in folds(settings, Tenants()) for topic in fold.sources if owner_of(topic.name)}
    assert own == {topic.name for topic in own_topics(["acme", "acme-2"])}
    assert topics_of("sender", ["acme", "acme-2"]) == topics_of("sender") | own
    assert topics_of("processor", ["acme"]) == topics_of("processor")
    prefixes = {one.name for one in topic_grants("sender", "Read") if one.prefixed}
    assert {one.name for one in topic_grants("topics", "Create") if one.prefixed} == prefixes
    # Of nobody's own and of no shared topic, and of all that are or will be a tenant's.
    every = [topic.name for topic in (*EVENTS, *DEAD)]
    assert not [name for name in every if name.startswith(tuple(prefixes))]
    assert all(name.startswith(tuple(prefixes)) for name in own)
    assert not [
        one for one in grants()["sender"] if one.prefixed and one.resource == "topic" and one.operations != ("Read",)
    ]
    # By whole names: a prefix of acme's would be one of acme-2's.
    assert producer_grants("acme") == [
        Grant("topic", name, ("Write",)) for name in sorted(topic.name for topic in own_topics(["acme"]))
    ]


def test_the_rights_of_a_tenants_producers_are_printed() -> None:
    ran = CliRunner().invoke(commands, ["topics", "acls", "producer", "--tenant", "acme", "--user", "acme-shop"])
    assert ran.stdout.strip() == (
        "--add --allow-principal User:acme-shop --operation Write --topic twilio.consent.commands.t.acme.v1 "
        "--topic twilio.outbound.executions.t.acme.v1 --topic twilio.outbound.followups.t.acme.v1 "
        "--topic twilio.outbound.messages.t.acme.v1"
    )
    for wrong in (["producer"], ["sender", "--tenant", "acme"]):
        assert CliRunner().invoke(commands, ["topics", "acls", *wrong]).exit_code == 2


def test_the_rights_of_a_processor_of_one_group_are_printed() -> None:
    ran = CliRunner().invoke(commands, ["topics", "acls", "processor", "--group", "commands"])
    assert "--group switchboard-processor-commands" in ran.stdout
    assert "switchboard-processor-messages" not in ran.stdout
    assert CliRunner().invoke(commands, ["topics", "acls", "processor", "--group", "voice"]).exit_code == 2


def test_no_service_reaches_into_the_tables_of_another() -> None:
    for service, own in WORKERS.items():
        tables = {changelog(fold.contract.app, table.name) for fold in own for table in fold.tables}
        assert {name for name in topics_of(service) if name in CHANGELOGS} == tables


def test_ingress_writes_what_twilio_says_and_reads_only_which_tenants_are_known() -> None:
    assert grants()["ingress"] == [
        *(Grant("topic", name, ("Write",)) for name in ("twilio.inbound.v1", "twilio.keywords.v1", "twilio.status.v1")),
        Grant("topic", "twilio.tenants.v1", ("Read", "Write")),
    ]


def test_every_topic_is_made_and_none_can_be_deleted() -> None:
    assert names("topics", "Create") == {topic.name for topic in (*EVENTS, *DEAD)} | set(CHANGELOGS)
    assert not {one for found in grants().values() for grant in found for one in grant.operations} & {"Delete", "All"}


@pytest.mark.parametrize("path", made.files(), ids=lambda path: path.name)
def test_what_is_made_of_the_registry_and_the_values_is_current(path: Path) -> None:
    assert path.read_text("utf-8") == made.files()[path], "run `make chart` and commit what it writes"


def test_arguments_name_every_grant_once() -> None:
    lines = list(acls.arguments(grants()["sender"], "s"))
    named = [part for line in lines for flag, part in pairwise(line) if flag == "--topic"]
    assert sorted(named) == sorted(one.name for one in grants()["sender"] if one.resource == "topic")
    assert all(line[:3] == ["--add", "--allow-principal", "User:s"] for line in lines)
    assert json.loads(json.dumps(acls.strimzi(grants()["sender"])))[-1]["resource"]["patternType"] == "prefix"
