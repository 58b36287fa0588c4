"""One house for all cases; each case is given its own tenant."""

from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from tests.cases.house import House, Tenant, account_of, opened
from tests.cases.tenants import TENANTS
from tests.environment import SharedBroker


@pytest.fixture(scope="package")
def log(shared: SharedBroker) -> str:
    return shared.emptied()


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def house(log: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with opened(tmp_path_factory.mktemp("cases"), log, TENANTS) as own:
        yield own


@pytest.fixture
def tenant(house: House) -> Callable[[str], Tenant]:
    return lambda name: Tenant(house, name, account_of(name))
