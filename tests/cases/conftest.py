"""One house for all cases; each case is given its own tenant."""

from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from services.embedded.broker import EmbeddedKafka
from tests.cases.house import House, Tenant, account_of, opened
from tests.cases.tenants import TENANTS


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    with EmbeddedKafka.start() as broker:
        async with opened(tmp_path_factory.mktemp("cases"), broker.bootstrap, TENANTS) as own:
            yield own


@pytest.fixture
def tenant(house: House) -> Callable[[str], Tenant]:
    return lambda name: Tenant(house, name, account_of(name))
