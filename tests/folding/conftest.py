"""A rig on the shared broker, and a partition without any."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.folding import tally
from tests.folding.rig import Rig, rig_with
from tests.folding.world import DERIVED, World


@pytest.fixture
async def rig(kafka: str, tmp_path: Path) -> AsyncIterator[Rig]:
    async with rig_with(kafka, tmp_path) as rig:
        yield rig


@pytest.fixture
async def world() -> AsyncIterator[World]:
    tally.register(DERIVED)
    world = World(max_batch=4)
    yield world
    world.partition.close()
    if world.running:
        world.gate.set()
        await asyncio.gather(world.running, return_exceptions=True)
