"""What a no reaches beyond the scope in which it was said, by what is known of our senders; and what a yes lifts.

Twilio keeps an opt-out for a whole Messaging Service. So a no reaches every sender that was ever in a service with the
one that it was said to: SMS, MMS and RCS are one, each other channel is apart. A yes is heard narrowly. It lifts what
stands at the sender asked about, if it was said to that very one; and what stands in a whole service where its own
webhook named the service, or a list of the day before has its sender there.

Asked where a question is asked, never in a fold: what was said stays as it was said.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from services.domain.consent.commands import Mark
from services.domain.consent.events import Suppression
from services.domain.consent.scopes import TENANT, service_scope
from services.domain.consent.standing import Standing, counting, releases, suppressed, told_by
from services.domain.senders.directory import Directory
from services.domain.senders.names import family, kind_of, scope_of

_SENDER, _SERVICE = scope_of(""), service_scope("")


class Asked(NamedTuple):
    """By what a message would go: a sender's name, a Messaging Service, or both. `everywhere`: any no counts."""

    sender: str | None
    service: str | None
    channel: str = "sms"
    everywhere: bool = False


class Through(NamedTuple):
    """A membership by which a no reaches what was asked about."""

    sender: str
    service: str


class Reached(NamedTuple):
    """A no that stands, and how it reaches the message; nothing where it was said of just that."""

    suppression: Suppression
    through: tuple[Through, ...] = ()


def reaching(standing: Standing | None, asked: Asked, directory: Directory) -> dict[str, Reached]:
    """Scope → what stands against a message there."""
    if standing is None:
        return {}
    return _Reach(standing, asked, directory).found()


def also_stopped(scope: str, directory: Directory) -> list[str]:
    """The senders for which a no in this scope holds too, by all that was ever known of services."""
    name = scope.partition(":")[2]
    if scope.startswith(_SERVICE):
        return sorted(directory.members(name))
    if not scope.startswith(_SENDER):
        return []
    others = {one for service in directory.services(name) for one in directory.members(service)} - {name}
    return sorted(one for one in others if family(one) == family(name))


class _Reach:
    """One contact's statements, one question."""

    def __init__(self, standing: Standing, asked: Asked, directory: Directory) -> None:
        self._standing = counting(standing)
        self._asked = asked
        self._directory = directory

    def found(self) -> dict[str, Reached]:
        found = {}
        for scope, one in suppressed(self._standing).items():
            through = self._through(scope)
            if through is None:
                continue
            if scope not in self._standing.outs:
                # Nobody said it: a hold.
                found[scope] = Reached(one, through)
            elif left := [mark for key, mark in self._unreleased(scope) if self._counts(scope, key, mark, through)]:
                found[scope] = Reached(told_by(left), through)
        return found

    def _through(self, scope: str) -> tuple[Through, ...] | None:
        """How a scope reaches what was asked about: directly (nothing), by memberships, or not at all (None)."""
        asked, known = self._asked, self._directory
        if scope in self._named or not scope.startswith((_SENDER, _SERVICE)):
            return ()
        if scope.startswith(_SERVICE):
            service = scope.removeprefix(_SERVICE)
            if asked.sender and service in known.services(asked.sender):
                return (Through(asked.sender, service),)
            unknown = not known.members(service)
        else:
            name = scope.removeprefix(_SENDER)
            if family(name) != asked.channel:
                return () if asked.everywhere else None
            if asked.service and asked.service in known.services(name):
                return (Through(name, asked.service),)
            if asked.sender and (shared := known.services(name) & known.services(asked.sender)):
                return Through(asked.sender, min(shared)), Through(name, min(shared))
            unknown = not known.services(name)
        unknown = unknown or bool(asked.sender and not known.services(asked.sender))
        return () if asked.everywhere or (unknown and not known.complete) else None

    @property
    def _named(self) -> frozenset[str]:
        asked = self._asked
        named = (scope_of(asked.sender) if asked.sender else "", service_scope(asked.service) if asked.service else "")
        return frozenset(named)

    def _unreleased(self, scope: str) -> Iterator[tuple[str, Mark]]:
        """The no's in a scope that no yes there, or to the tenant, lifts."""
        yes = [*self._standing.ins.get(scope, {}).values(), *self._standing.ins.get(TENANT, {}).values()]
        for key, mark in self._standing.outs[scope].items():
            if not any(releases(said, mark) for said in yes):
                yield key, mark

    def _counts(self, scope: str, key: str, mark: Mark, through: tuple[Through, ...]) -> bool:
        if (
            through
            and scope.startswith(_SERVICE)
            and self._said_on(self._standing.outs, key)
            not in (
                None,
                self._asked.channel,
            )
        ):
            return False
        if through and self._asked.sender:
            # They have said yes since, to the very sender.
            direct = self._standing.ins.get(scope_of(self._asked.sender), {}).values()
            if any(releases(said, mark) for said in direct):
                return False
        return not self._lifted(scope, key, mark)

    def _lifted(self, scope: str, key: str, mark: Mark) -> bool:
        """Was there a yes to the whole service that this no belongs to?"""
        if scope.startswith(_SERVICE):
            yeses = self._yeses(scope.removeprefix(_SERVICE))
            return any(releases(said, mark) for _, said in yeses)
        if not scope.startswith(_SENDER) or kind_of(name := scope.removeprefix(_SENDER)) == "toll_free":
            # The carriers keep those of toll-free numbers, each alone.
            return False
        outs = self._standing.outs
        named = {one.removeprefix(_SERVICE) for one, marks in outs.items() if one.startswith(_SERVICE) and key in marks}
        return any(
            releases(said, mark)
            for service in named | self._directory.services(name)
            for on, said in self._yeses(service)
            if on in (None, family(name)) and (service in named or self._directory.was_in(name, service, said.at))
        )

    def _yeses(self, service: str) -> Iterator[tuple[str | None, Mark]]:
        """Each yes to a whole service, and on which channel: it named the service, or a list of the day before does."""
        ins = self._standing.ins
        for key, mark in ins.get(service_scope(service), {}).items():
            yield self._said_on(ins, key), mark
        for scope, marks in ins.items():
            name = scope.removeprefix(_SENDER)
            if not scope.startswith(_SENDER) or service not in self._directory.services(name):
                continue
            for mark in marks.values():
                if service in self._directory.listed_in(name, mark.at):
                    yield family(name), mark

    @staticmethod
    def _said_on(marks: Mapping[str, Mapping[str, Mark]], key: str) -> str | None:
        """The channel of a statement, by the sender that it was said to; None where it was said to none."""
        found = (scope for scope, by_key in marks.items() if scope.startswith(_SENDER) and key in by_key)
        return next((family(scope.removeprefix(_SENDER)) for scope in found), None)
