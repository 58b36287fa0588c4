"""A log with the product's topics, for all tests here: each has keys of its own."""

import pytest

from tests.environment import SharedBroker
from tests.processes import settings_file, settings_of

from .rig import House


@pytest.fixture(scope="package")
def house(shared: SharedBroker, tmp_path_factory: pytest.TempPathFactory) -> House:
    settings = settings_file(tmp_path_factory.mktemp("dead"), shared.bootstrap)
    shared.laid_out(settings_of(settings))
    return House(settings, shared.bootstrap)
