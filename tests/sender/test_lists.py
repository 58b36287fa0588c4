"""The list of tenants' own topics changes: no sender starts while one with the former list is in the group."""

from pathlib import Path

import pytest

from services.cli.serve.sender import may_start
from services.operations.lists import same_list
from services.operations.topic_admin import TopicsError
from services.runtime.config import Settings
from tests.processes import settings_of
from tests.sender.conftest import House
from tests.sender.rig import SECRETS, Service
from tests.waiting import eventually


def with_list(settings: Settings, *tenants: str) -> Settings:
    return settings.model_copy(update={"kafka": settings.kafka.model_copy(update={"tenant_topics": [*tenants]})})


@pytest.mark.slow
async def test_one_that_was_stopped_counts_until_its_session_is_over(house: House, tmp_path: Path) -> None:
    former = settings_of(house.settings, **SECRETS)
    changed = with_list(former)
    # A member with a name does not leave: back within its session it would be given the topics that it had.
    named = {"SWITCHBOARD_SENDER__INSTANCE_ID": "sender-0"}
    before = Service("sender", house.settings, tmp_path, named)
    try:
        await before.ready()
        await same_list(former.kafka, 30)
        before.stop()
        await may_start(former)
        with pytest.raises(TopicsError, match="stop all senders"):
            await same_list(changed.kafka, 0)
        await may_start(changed)
    finally:
        before.kill()
    after = Service("sender", house.settings, tmp_path, {**named, "SWITCHBOARD_KAFKA__TENANT_TOPICS": "[]"})
    try:
        await after.ready()

        async def refused() -> bool:
            with pytest.raises(TopicsError, match="this sender has globex, and one that runs has none"):
                await same_list(former.kafka, 0)
            return True

        await eventually(refused, 30, "the former list is refused")
        # The command itself asks.
        with pytest.raises(TopicsError, match="and one that runs has none"):
            await may_start(former)
    finally:
        after.stop()
