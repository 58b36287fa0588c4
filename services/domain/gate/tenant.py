"""Whether its tenant lets a command go: known and open, from this sender, to this person, for good."""

from services.domain.gate.conditions import of_tenant
from services.domain.gate.question import Question
from services.domain.gate.view import View
from services.domain.outbox.verdicts import Verdict


def no_tenant(question: Question, view: View) -> Verdict | None:
    """Another worker may know it: that this one does not yet is no refusal."""
    if not view.tenant_known:
        return Verdict(
            "deferred",
            "tenant",
            f"the tenant {question.tenant} is not known to the sender now",
            "Put its file and its secrets back where senders read them; it then goes on by itself, or expires at its "
            "not_after.",
            condition=of_tenant(question.tenant),
        )
    if view.tenant_closed:
        return Verdict(
            "blocked",
            "closed",
            f"the tenant {question.tenant} is closed",
            "A closed tenant sends nothing. Set its state to open, then produce a new command.",
        )
    return None


def foreign_sender(question: Question, view: View) -> Verdict | None:
    """A tenant that names no senders may send from all."""
    if not view.sender_allowed:
        return Verdict(
            "blocked",
            "allowed_senders",
            f"the tenant may not send from {' and '.join(scope.partition(':')[2] for scope in question.scopes)}",
            "Add it to the tenant's allowed_senders, or send from one listed there.",
        )
    return None


def unlisted_recipient(_: Question, view: View) -> Verdict | None:
    """Staging reaches its testers, and nobody else."""
    if view.recipient_allowed:
        return None
    return Verdict(
        "blocked",
        "recipients",
        "the tenant may only reach its recipients, and this is none of them",
        "Add the address to the tenant's recipients; a tenant that may reach everybody has no such setting.",
    )


def rehearsed(_: Question, view: View) -> Verdict | None:
    """What a rehearsal would have sent."""
    if not view.dry_run:
        return None
    return Verdict(
        "blocked",
        "dry_run",
        "the tenant only rehearses: nothing else stood against it, and nothing was sent",
        "Take dry_run off the tenant, then produce a new command.",
    )
