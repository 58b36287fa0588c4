"""The tenants that count now, for whoever asks. Only `take` changes them, a tenant at a time, whole."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping

from services.runtime.tenants.files import Found, Refused
from services.runtime.tenants.settings import TenantSettings

Changed = Callable[[frozenset[str]], None]


class Tenants(Mapping[str, TenantSettings]):
    """Ask at the moment of use. A tenant that has not changed is the same object as before.

    `awaited`: there is a file for it that was never usable, so that its webhooks and commands wait.
    """

    def __init__(self, tenants: Mapping[str, TenantSettings] | None = None) -> None:
        self._known = dict(tenants or {})
        self._ever = {name: _identity(one) for name, one in self._known.items()}
        self._of_account: defaultdict[str, set[str]] = defaultdict(set)
        for name, one in self._known.items():
            self._of_account[one.account_sid].add(name)
        # By name, the accounts that it may have; None: any.
        self._awaited: dict[str, frozenset[str] | None] = {}
        self._troubles: list[str] = []
        self._listeners: list[Changed] = []
        # Cleared while those that a process found at its start are held against the log.
        self.settled = asyncio.Event()
        self.settled.set()

    def __getitem__(self, name: str) -> TenantSettings:
        return self._known[name]

    def get(self, name: str, default: None = None) -> TenantSettings | None:  # type: ignore[override]
        # By hand: it is asked several times for each command.
        return self._known.get(name, default)

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)

    def awaited(self, name: str) -> bool:
        return name in self._awaited

    def met(self, name: str) -> bool:
        """Whether it has ever counted here: then it is held to what it was."""
        return name in self._ever

    def refuse(self, name: str) -> None:
        """It is not who it says it is: it does not count any more, and is looked at as one that never did."""
        known = self._known.get(name)
        self._awaited[name] = accounts_of(known) if known else None
        self._put(name, None)
        self._ever.pop(name, None)
        for told in self._listeners:
            told(frozenset({name}))

    def await_one_of(self, account_sid: str) -> bool:
        """Whether a tenant is awaited that may have this account."""
        return any(accounts is None or account_sid in accounts for accounts in self._awaited.values())

    def of_account(self, account_sid: str) -> Collection[str]:
        """The tenants that send from this account."""
        return self._of_account.get(account_sid, ())

    def ones_own(self, account_sid: str) -> bool:
        """Whether an account is one tenant's alone, as far as anyone here can know: of no other that counts or ever
        did in this process, as its own or as a subaccount, nor of one that is awaited."""
        theirs = {name for name, one in self._known.items() if account_sid in accounts_of(one)}
        theirs |= {name for name, (account, _) in self._ever.items() if account == account_sid}
        return len(theirs) == 1 and not self.await_one_of(account_sid)

    def troubles(self) -> list[str]:
        """What of the files cannot be used, with the remedy; what they said before still counts."""
        return list(self._troubles)

    def listen(self, changed: Changed) -> None:
        """`changed` is told the names of tenants that came, went or are other ones now."""
        self._listeners.append(changed)

    def take(self, found: Found) -> frozenset[str]:
        """Make count what may; tell of the rest in `troubles`. The names that changed."""
        troubles = [found.trouble] if found.trouble else []
        changed: set[str] = set()
        awaited: dict[str, frozenset[str] | None] = {}
        for name, (said, _) in found.tenants.items():
            if self._known.get(name) is said:
                # As of nearly all, at nearly every look.
                continue
            refusal = said.sentence if isinstance(said, Refused) else self._forbidden(name, said)
            if refusal is not None:
                troubles += [refusal] if refusal else []
                if name not in self._known:
                    awaited[name] = said.accounts if isinstance(said, Refused) else accounts_of(said)
            elif isinstance(said, TenantSettings) and not self._same(name, said):
                self._put(name, said)
                changed.add(name)
        for name in [one for one in self._known if one not in found.tenants]:
            if found.trouble:
                continue
            if self._known[name].state == "closed":
                self._put(name, None)
                changed.add(name)
            else:
                troubles.append(_GONE.format(name=name))
        # A settings file that cannot be read says the same of each of its tenants.
        self._awaited, self._troubles = awaited, list(dict.fromkeys(troubles))
        if changed:
            for told in self._listeners:
                told(frozenset(changed))
        return frozenset(changed)

    def states(self) -> Mapping[str, int]:
        """How many tenants are open, closed and awaited."""
        found = Counter(one.state for one in self._known.values())
        return {"open": found["open"], "closed": found["closed"], "awaited": len(self._awaited)}

    def _same(self, name: str, tenant: TenantSettings) -> bool:
        known = self._known.get(name)
        return known is tenant or known == tenant

    def _put(self, name: str, tenant: TenantSettings | None) -> None:
        if (before := self._known.pop(name, None)) is not None:
            self._of_account[before.account_sid].discard(name)
        if tenant is not None:
            self._known[name] = tenant
            self._ever[name] = _identity(tenant)
            self._of_account[tenant.account_sid].add(name)

    def _forbidden(self, name: str, tenant: TenantSettings) -> str | None:
        """Why a change may not be made: people and messages are known under what a tenant was at first."""
        account, secret = self._ever.get(name, _identity(tenant))
        if account != tenant.account_sid:
            return f"{name}: account_sid never changes, and was {account}; put it back, or add a tenant of another name"
        if secret != _identity(tenant)[1]:
            return (
                f"{name}: contact_secret never changes: with another nobody who said no would be known any more; put "
                "the former one back"
            )
        return None


def accounts_of(tenant: TenantSettings) -> frozenset[str]:
    """Its account, and its subaccounts."""
    return frozenset({tenant.account_sid, *tenant.subaccounts})


_GONE = (
    "{name}: its file is gone, and it was not closed, so it counts as it was; put the file back with state: closed, "
    "and remove it later"
)


def _identity(tenant: TenantSettings) -> tuple[str, str]:
    return tenant.account_sid, tenant.contact_secret.get_secret_value()
