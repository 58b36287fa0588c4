"""Static membership (KIP-345) over aiokafka and Faust, which both leave something out.

A member with a group.instance.id does not leave its group when it stops. Back before its session is over it is given
its former assignment, and nobody else rebalances. aiokafka sends that name with a join only, and joins as somebody
new when a heartbeat finds it unknown: of two with one name each would take it back from the other, for ever. Faust
refuses an assignment that names another address than its own.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from aiokafka.coordinator.protocol import ConsumerProtocol
from aiokafka.errors import KafkaError, UnknownMemberIdError
from aiokafka.protocol.group import JoinGroupRequest, LeaveGroupRequest, SyncGroupRequest
from faust.assignor.client_assignment import ClientMetadata

from services.runtime.section import ConfigError

# Another member has joined under this name. aiokafka does not know the code.
_FENCED_INSTANCE_ID = 82


def keep_name(coordinator: Any, assignor: Any, end: Callable[[ConfigError], Awaitable[None]]) -> None:
    """Make a member of aiokafka's keep its name, or `end` it when another has joined under that.

    What has lost its session joins as who it was: then the broker says whether its name is another's by now.
    """
    nobody, forget, send = coordinator.generation, coordinator.reset_generation, coordinator._send_req

    def forget_generation_only() -> None:
        coordinator.generation = nobody
        coordinator.request_rejoin()

    async def sent(request: Any) -> Any:
        response = await send(request)
        error = getattr(response, "error_code", 0)
        if error == _FENCED_INSTANCE_ID:
            # Before aiokafka tells Faust of an unknown error: the first reason is the one that people read.
            await end(_taken(coordinator._group_instance_id))
        elif error == UnknownMemberIdError.errno and isinstance(request, JoinGroupRequest):
            # The session is over, and nobody has the name.
            forget()
        elif not error and isinstance(request, SyncGroupRequest) and _of_another(response, assignor):
            # Joined from elsewhere before. Only who leaves and comes back is given an assignment of its own.
            await send(LeaveGroupRequest(coordinator.group_id, coordinator.member_id))
            forget()
            raise KafkaError("this member's address has changed")
        return response

    coordinator.reset_generation = forget_generation_only
    coordinator._send_req = sent


def _taken(name: str) -> ConfigError:
    return ConfigError(
        f"instance_id: another worker has joined as {name}; this one ends, so that nothing is folded twice; "
        "give each worker a name of its own"
    )


def _of_another(response: Any, assignor: Any) -> bool:
    """Is it the assignment of a member with another URL?"""
    if not response.member_assignment:
        return False
    assignment = ConsumerProtocol.ASSIGNMENT.decode(response.member_assignment)
    told: str = ClientMetadata.loads(assignor._decompress(assignment.user_data)).url
    return told != str(assignor._url)
