"""What Twilio remembers between messages: who is blocked, whose window is open, which service a number is in."""

from dataclasses import dataclass, replace
from datetime import datetime

from services.simulator import moments
from services.simulator.addresses import channel, is_toll_free
from services.simulator.optouts import OptOuts
from services.simulator.people import People
from services.simulator.pools import Pools
from services.simulator.windows import Windows
from services.simulator.words import REPLIES, Keyword, keyword, to_network
from services.simulator.written import Written


@dataclass(frozen=True)
class Understood:
    """What Twilio made of an inbound message. `reply`: what it answers itself.

    `opt_out_type` is told by Advanced Opt-Out only.
    """

    service_sid: str | None
    opt_out_type: Keyword | None = None
    reply: str | None = None


class Conversations:
    """The memory of all accounts: their numbers and services are their own, so nothing meets."""

    def __init__(self) -> None:
        self.pools = Pools()
        self.windows = Windows()
        self._people = People()
        self._optouts = OptOuts()

    def clear(self) -> None:
        for part in (self.pools, self.windows, self._people, self._optouts):
            part.clear()

    def service_of(self, written: Written) -> str | None:
        """The Messaging Service that a message reaches."""
        return written.service_sid or self.pools.of(written.to, self._people.names(written.sender))

    def recall(self, written: Written) -> Understood:
        """What Twilio makes of an inbound message, with nothing done about it."""
        sid = self.service_of(written)
        advanced = self.pools.get(sid).advanced_opt_out
        return Understood(sid, self._keyword(written, sid) if advanced else None)

    def hear(self, written: Written) -> Understood:
        """Take note of an inbound message, once: what it opens, blocks or releases."""
        if written.phone and written.scoped_id:
            self._people.link(written.scoped_id, written.phone)
        names, ours = self._people.names(written.sender), written.to
        self.windows.hear(names, ours, moments.now())
        if written.service_sid:
            self.pools.learn(ours, names, written.service_sid)
        if is_toll_free(ours):
            self._network(written, self._blocked_names(written.sender))
        understood = self.recall(written)
        word = self._keyword(written, understood.service_sid)
        if word is None or not self._answers(word, self._blocked_names(written.sender), ours, understood.service_sid):
            return understood
        return replace(understood, reply=REPLIES[word])

    def _keyword(self, written: Written, sid: str | None) -> Keyword | None:
        """The word that Twilio listens for here, if that is what was written."""
        service = self.pools.get(sid)
        if service.advanced_opt_out:
            return keyword(written.body, service.words)
        return keyword(written.body, {}) if channel(written.to) in ("sms", "rcs") else None

    def _network(self, written: Written, names: frozenset[str]) -> None:
        """The network's own list, by number: no service and no setting of Twilio's touches it."""
        word = to_network(written.body)
        if word == "STOP":
            self._optouts.block(names, _network_of(written.to))
        elif word == "START":
            self._optouts.release(names, {_network_of(written.to)})

    def _answers(self, word: Keyword, names: frozenset[str], ours: str, sid: str | None) -> bool:
        """Do what the word asks; whether Twilio answers: to STOP and START only where they change something.

        An opt-out is the service's that the number is in, so a START at a sibling lifts it. Not confirmed: what becomes
        of a number's own opt-out when it joins a service, or leaves one.
        """
        if word == "STOP":
            return self._optouts.block(names, sid or ours)
        return word == "HELP" or self._optouts.release(names, {ours, sid or ours})

    def blocks(self, to: str, sender: str, service_sid: str | None) -> bool:
        """Whether this person has opted out of the sender, of the service, or of the sender's service."""
        service = self.pools.of(sender, self._people.names(to)) or sender
        return self._optouts.blocks(
            self._blocked_names(to), {sender, service_sid or sender, service, _network_of(sender)}
        )

    def _blocked_names(self, person: str) -> frozenset[str]:
        """Since 2026-03-16 an opt-out holds for SMS, MMS and RCS alike; of WhatsApp nothing was said."""
        return self._people.names(person.removeprefix("rcs:"))

    def speak(self, to: str, sender: str, service_sid: str | None) -> None:
        """Take note of an outbound message."""
        if service_sid:
            self.pools.learn(sender, self._people.names(to), service_sid)

    def outside_window(self, to: str, sender: str, at: datetime) -> bool:
        """Whether free text to this person would come too late or uninvited; by Messenger anything."""
        if not self.windows.enforced or channel(to) not in ("whatsapp", "messenger"):
            return False
        return not self.windows.is_open(self._people.names(to), sender, at)


def _network_of(ours: str) -> str:
    """The scope of what a toll-free number's network keeps."""
    return f"network:{ours}"
