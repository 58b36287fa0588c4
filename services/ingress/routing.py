"""Whose webhook is it, on the URL that all tenants share? Asked before it is believed: the answer is whose keys may
have signed it.

By AccountSid. Where several tenants have one account, a callback that we signed says whose it is; else the sender of
ours that it names, which exactly one of them lists; else the only one of them that lists none. While a tenant is
awaited that may have the account, only a callback of ours, or a sender that is listed, says whose it is.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from services.domain.contact import canonical, parts
from services.domain.messages.callback import read_callback
from services.ingress.parameters import Pairs
from services.ingress.reasons import Rejected
from services.runtime.clock import now
from services.runtime.tenants.live import Tenants, accounts_of
from services.runtime.tenants.settings import TenantSettings

_Name = tuple[tuple[str, ...], str]


class _Place(NamedTuple):
    """Where a tenant stands here: its accounts, and the senders that it lists."""

    accounts: frozenset[str]
    senders: frozenset[_Name]


class _Account:
    """The tenants of one account: all of them, by the sender that they list, and those that list none."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.by_sender: dict[_Name, set[str]] = {}
        self.others: set[str] = set()


class Routes:
    """Of the tenants as they are now."""

    def __init__(self, tenants: Tenants) -> None:
        self._tenants = tenants
        self._places: dict[str, _Place] = {}
        self._accounts: dict[str, _Account] = {}
        self._place(tenants)
        tenants.listen(self._place)

    def tenant_of(self, names_us: Sequence[str], pairs: Pairs, query: Callable[[], Pairs] | None) -> str:
        """The tenant's name. Raises Rejected: nobody's, or one of several's.

        `names_us`: the parameters that name a sender of ours, the surest first. `query`: that of a URL that we may have
        signed.
        """
        stated = _values(pairs, "AccountSid")
        sid = stated.pop() if len(stated) == 1 else ""
        account, awaited = self._accounts.get(sid), self._tenants.await_one_of(sid)
        if account is None:
            raise Rejected("awaited" if awaited else "no_account")
        if len(account.names) == 1 and not awaited:
            return next(iter(account.names))
        signed = self._signed_by(account, dict(query())) if query else None
        return signed or self._only(account, names_us, pairs, awaited)

    def unclear(self) -> list[str]:
        """Who cannot be told apart on the shared URL, and what to set."""
        found = []
        for sid, account in sorted(self._accounts.items()):
            if len(account.others) > 1:
                found.append(
                    f"{_named(account.others)} share {sid[:6]}…, and the webhook URL without a tenant cannot tell them "
                    "apart: list each one's allowed_senders, or give Twilio the URLs with their names"
                )
            for (_, sender), names in sorted(account.by_sender.items()):
                if len(names) > 1:
                    found.append(
                        f"{_named(names)} share {sid[:6]}…, and {sender} is in the allowed_senders of each: the "
                        "webhook URL without a tenant refuses its messages; leave it to one of them"
                    )
        return found

    def _only(self, account: _Account, names_us: Sequence[str], pairs: Pairs, awaited: bool) -> str:
        """The first candidate that is one alone. Raises Rejected where a sender is of several, or nobody is left."""
        for names in self._candidates(account, names_us, pairs, awaited):
            if len(names) == 1:
                return next(iter(names))
            if names:
                raise Rejected("shared")
        raise Rejected("awaited" if awaited else "shared")

    def _candidates(
        self, account: _Account, names_us: Sequence[str], pairs: Pairs, awaited: bool
    ) -> Iterable[set[str]]:
        for parameter in names_us:
            senders = {_name(value) for value in _values(pairs, parameter)}
            if len(senders) == 1:
                yield account.by_sender.get(senders.pop(), set())
        if not awaited:
            yield account.others

    def _signed_by(self, account: _Account, query: Mapping[str, str]) -> str | None:
        """The tenant that a callback of ours names, if a key of that one signed it."""
        name = query.get("k", "").rpartition("|")[0]
        if name not in account.names:
            return None
        signers = self._tenants[name].callback_ring.believed(now())
        return name if read_callback(signers, query) else None

    def _place(self, changed: Iterable[str]) -> None:
        for name in changed:
            if (before := self._places.pop(name, None)) is not None:
                self._remove(name, before)
            if (tenant := self._tenants.get(name)) is not None:
                self._places[name] = place = _place_of(tenant)
                self._add(name, place)

    def _add(self, name: str, place: _Place) -> None:
        for sid in place.accounts:
            account = self._accounts.setdefault(sid, _Account())
            account.names.add(name)
            for sender in place.senders:
                account.by_sender.setdefault(sender, set()).add(name)
            if not place.senders:
                account.others.add(name)

    def _remove(self, name: str, place: _Place) -> None:
        for sid in place.accounts:
            account = self._accounts[sid]
            account.names.discard(name)
            account.others.discard(name)
            for sender in place.senders:
                account.by_sender[sender].discard(name)
                if not account.by_sender[sender]:
                    del account.by_sender[sender]
            if not account.names:
                del self._accounts[sid]


def _named(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _place_of(tenant: TenantSettings) -> _Place:
    return _Place(accounts_of(tenant), frozenset(map(_name, tenant.allowed_senders)))


def _name(address: str) -> _Name:
    """A sender in one spelling, on its channel: a number's WhatsApp may be another tenant's than its SMS."""
    return parts(address).channels, canonical(address)


def _values(pairs: Pairs, name: str) -> set[str]:
    return {value for one, value in pairs if one == name}
