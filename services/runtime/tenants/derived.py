"""What a service makes of a tenant's settings: made when it is asked for, made again when they are other ones."""

from collections.abc import Callable, Iterator, Mapping
from typing import Generic, TypeVar

from services.runtime.tenants.live import Tenants
from services.runtime.tenants.settings import TenantSettings

T = TypeVar("T")


class Derived(Mapping[str, T], Generic[T]):
    """`make(name, settings)` for each tenant that is asked for. Two look-ups where nothing has changed."""

    def __init__(self, tenants: Tenants, make: Callable[[str, TenantSettings], T]) -> None:
        self._tenants = tenants
        self._make = make
        self._made: dict[str, tuple[TenantSettings, T]] = {}
        tenants.listen(self._forget)

    def __getitem__(self, name: str) -> T:
        settings = self._tenants[name]
        made = self._made.get(name)
        if made is None or made[0] is not settings:
            made = self._made[name] = settings, self._make(name, settings)
        return made[1]

    def get(self, name: str, default: None = None) -> T | None:  # type: ignore[override]
        # By hand: it is asked several times for each webhook.
        made = self._made.get(name)
        if made is not None and made[0] is self._tenants.get(name):
            return made[1]
        return super().get(name, default)

    def __iter__(self) -> Iterator[str]:
        return iter(self._tenants)

    def __len__(self) -> int:
        return len(self._tenants)

    def _forget(self, changed: frozenset[str]) -> None:
        for name in changed:
            self._made.pop(name, None)
