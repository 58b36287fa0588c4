"""Who said it? Kafka tells no consumer who produced a record; the topic does, where it is a tenant's own, or the
signature of a tenant's key.

Where neither speaks, anybody may have said it. Then a tenant that takes no unsigned commands (`unsigned_commands:
refused`) refuses all but a *no*: that somebody opted out is heard whoever says it, since a STOP that is lost reaches a
person who asked for silence, and one too many only costs a message. A *no* of a producer that is known, and is another
tenant's, is refused and told to that tenant.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from prometheus_client import Counter

from services.contract import signatures
from services.contract.codec import FORMAT_HEADER, format_of
from services.contract.signatures import HEADER, NoSignature, Signature
from services.contract.topic import owner_of
from services.domain.consent.commands import RecordConsent
from services.domain.messages.intake import Rules
from services.runtime.folding.fold import Record
from services.sender.metrics import SENDER

REFUSED = Counter(
    "switchboard_producers_refused_total",
    "Records of public topics that were not taken for who produced them, and a `no` that was heard all the same "
    "(why: unsigned, signature, key, time, anothers); a flush that is folded again counts again",
    ["why", "heard"],
    registry=SENDER,
)


class Voice(NamedTuple):
    """Who speaks in a record: the tenant whose topic or key it is, or whoever it names where anybody may.

    None: nobody that is known. `why`, `fault`: of a fault, in a word for the metric and as a sentence for people.
    `signed_at`: when it was signed, where a key speaks.
    """

    tenant: str | None
    why: str = ""
    fault: str = ""
    signed_at: str | None = None


class Producers:
    """Judges records by the tenants' keys of this moment."""

    def __init__(self, rules: Mapping[str, Rules]) -> None:
        self._rules = rules

    def of(self, record: Record, tenant: str, command: Any, at: str) -> Voice:
        """Who speaks in a record that names `tenant`, and why it is not taken for that; `at`: when it was taken."""
        voice = self._voice(record, tenant, at)
        if voice.fault:
            heard = voice.tenant is None and is_no(command)
            REFUSED.labels(voice.why, "yes" if heard else "no").inc()
            if heard:
                return Voice(None)
        return voice

    def claimed(self, record: Record) -> Signature | str | None:
        """Whose topic it is, or the signature that it has, which nobody has looked at yet; None: anybody's."""
        if owner := owner_of(record.topic):
            return owner
        try:
            return signatures.read(record.headers)
        except NoSignature:
            return None

    def knows(self, signature: Signature) -> bool:
        """Whether the tenant has that key."""
        known = self._rules.get(signature.tenant)
        return known is not None and signature.key_id in known.producer_keys

    def _voice(self, record: Record, tenant: str, at: str) -> Voice:
        if owner := owner_of(record.topic):
            told = owner if owner in self._rules else None
            return Voice(told, *_apart(tenant, owner, "this topic"))
        try:
            signature = signatures.read(record.headers)
        except NoSignature as error:
            return Voice(None, "signature", str(error))
        if signature is None:
            return self._unsigned(tenant)
        if fault := self._fault(signature, record, at):
            return Voice(None, *fault)
        apart = _apart(tenant, signature.tenant, f"the key {signature.key_id}")
        return Voice(signature.tenant, *apart, signed_at=signature.signed_at)

    def _unsigned(self, tenant: str) -> Voice:
        known = self._rules.get(tenant)
        if known is None or not known.signed:
            return Voice(tenant)
        return Voice(
            None,
            "unsigned",
            f"header {HEADER}: missing, and tenant {tenant} takes no command without; sign it by one of its "
            "producer_keys, or produce it on the tenant's own topic",
        )

    def _fault(self, signature: Signature, record: Record, at: str) -> tuple[str, str] | None:
        key = f"{signature.tenant}/{signature.key_id}"
        if not self.knows(signature):
            return "key", f"header {HEADER}: no key {key}; add it to the tenant's producer_keys, or sign by one of them"
        secret = self._rules[signature.tenant].producer_keys[signature.key_id]
        if not signatures.fits(signature, record.topic, record.value or b"", secret):
            return "signature", (
                f"header {HEADER}: {key} did not sign this value for this topic; sign the bytes as they are produced, "
                "under the name of their topic"
            )
        if format_of(record.headers) != 1:
            return "signature", f"header {FORMAT_HEADER}: v1 signs commands of format 1 alone; leave it out"
        late = signatures.fault_of_time(signature, at)
        return ("time", late) if late else None


def is_no(command: Any) -> bool:
    """Does it say that somebody opted out?"""
    return isinstance(command, RecordConsent) and command.action == "opt_out"


def _apart(tenant: str, speaks_for: str, by: str) -> tuple[str, str]:
    """What is wrong with a record that names `tenant`. One that names none has a fault of form."""
    if tenant in (speaks_for, ""):
        return "", ""
    return "anothers", f"tenant: {by} speaks for {speaks_for} alone; produce it as the tenant that it names"
