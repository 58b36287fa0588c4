"""Is a command one by which Twilio could start an execution, and what is it exactly? Pure; all faults at once."""

import re

import msgspec

from services.domain import about_another
from services.domain.about_another import Proof
from services.domain.commands import check_names, event_id, fingerprint, on_channel, recipient_of, sender_of, times_of
from services.domain.contact import contact_key, parts
from services.domain.identity import Place
from services.domain.messages.intake import Rules
from services.domain.outbox.accepted import ResolutionAccepted
from services.domain.sids import EXECUTION, FLOW, MESSAGING_SERVICE
from services.domain.studio.commands import Channel, ExecutionAccepted, ResolveExecution, StartExecution
from services.domain.studio.experiments import MOST_ARMS, Arm, Experiment, choose, faults_of

# Twilio's, of both together (81023).
_LONGEST_ENDS = 300
_NAME = re.compile(r"[\x21-\x7e]{1,64}")
# Ours: a context of Studio's is bounded, and nobody says by how much.
_MOST_PARAMETERS = 16 * 1024


def accept(command: StartExecution, rules: Rules, at: str, place: Place, since: str) -> ExecutionAccepted | list[str]:
    """The normalised command, or all that is wrong with it, a sentence each.

    `at` is when it was written to the log, `place` where there. It lives as one that was produced at `since`, where
    that is earlier.
    """
    faults: list[str] = []
    channel = _channel(command, faults)
    whom = recipient_of(command.to, channel, rules.default_region, faults)
    sender = sender_of(command.from_, channel, faults)
    times = times_of(command, rules.lifetime, at, since, faults)
    check_names(command.command_id, command.label, faults)
    _check(command, faults)
    if faults:
        return faults
    contact = contact_key(command.tenant, whom.name, rules.contact_secret)
    arm = choose(command.experiment, contact) if command.experiment else None
    return ExecutionAccepted(
        event_id=event_id("execution_accepted", command, contact, at, place),
        tenant=command.tenant,
        command_id=command.command_id,
        contact=contact,
        accepted_at=at,
        sequence=place.offset,
        not_before=times.not_before,
        not_after=times.not_after,
        fingerprint=fingerprint(command),
        flow_sid=arm.flow_sid or command.flow_sid if arm else command.flow_sid,
        channel=channel,
        country=whom.country,
        to=on_channel(channel, whom.name),
        from_=sender,
        messaging_service_sid=command.messaging_service_sid,
        parameters=_parameters(command, arm),
        conflict=command.conflict,
        urgent=command.urgent,
        label=command.label,
        purpose=command.purpose or "marketing",
        experiment=command.experiment.name if command.experiment else None,
        arm=arm.name if arm else None,
    )


def resolve(command: ResolveExecution, rules: Rules, at: str, place: Place) -> ResolutionAccepted | list[str]:
    """The same for what a person found out about an ambiguous command."""
    wrong = "execution_sid: FN and 32 hex digits; it is the proof that the execution was started"
    return about_another.resolve(
        command, Proof(command.execution_sid, EXECUTION, wrong), rules.contact_secret, at, place
    )


def _channel(command: StartExecution, faults: list[str]) -> Channel:
    """By the prefix of `to`; what `from` names must be no other."""
    to, sender = parts(command.to).channels, parts(command.from_ or "").channels
    if {*to, *sender} - {"sms", "whatsapp"}:
        faults.append("to, from: another channel is named than sms and whatsapp")
    channel: Channel = "whatsapp" if "whatsapp" in to else "sms"
    if sender and channel not in sender:
        faults.append("from: of another channel than to; write whatsapp: before both, or before neither")
    return channel


def _check(command: StartExecution, faults: list[str]) -> None:
    if not FLOW.fullmatch(command.flow_sid):
        faults.append("flow_sid: must be FW and 32 hex digits")
    if (command.from_ is None) == (command.messaging_service_sid is None):
        faults.append(
            "from, messaging_service_sid: give one of them, that whose URL is the flow's; else no reply reaches it"
        )
    if command.messaging_service_sid is not None and not MESSAGING_SERVICE.fullmatch(command.messaging_service_sid):
        faults.append("messaging_service_sid: must be MG and 32 hex digits")
    ends = command.to + (command.from_ or command.messaging_service_sid or "")
    if len(ends.encode()) > _LONGEST_ENDS:
        faults.append(f"to, from: together more than {_LONGEST_ENDS} bytes")
    if command.experiment is not None:
        _check_experiment(command.experiment, faults)
    # More of them are a fault by themselves, and anybody may write thousands.
    arms = command.experiment.arms[:MOST_ARMS] if command.experiment else [None]
    if any(len(msgspec.json.encode(_parameters(command, arm))) > _MOST_PARAMETERS for arm in arms):
        faults.append(f"parameters: more than {_MOST_PARAMETERS} bytes of JSON")


def _check_experiment(experiment: Experiment, faults: list[str]) -> None:
    if not all(_NAME.fullmatch(name) for name in (experiment.name, *(arm.name for arm in experiment.arms))):
        faults.append("experiment: its name and those of its arms are 1 to 64 visible ASCII characters")
    if not all(arm.flow_sid is None or FLOW.fullmatch(arm.flow_sid) for arm in experiment.arms):
        faults.append("experiment.arms: a flow_sid must be FW and 32 hex digits")
    faults += faults_of(experiment)


def _parameters(command: StartExecution, arm: Arm | None) -> dict[str, str]:
    """What the flow knows. The arm says more than the command; that it is one, the flow may be told otherwise."""
    if arm is None or command.experiment is None:
        return command.parameters
    return {"experiment": command.experiment.name, "arm": arm.name} | command.parameters | arm.parameters
