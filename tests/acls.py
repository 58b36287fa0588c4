"""Rights at a broker that has an authorizer, given and taken as its own tool does, which takes a Java each time."""

from collections.abc import Iterable
from typing import NamedTuple

from aiokafka.errors import NoError, for_code
from aiokafka.protocol.admin import CreateAclsRequest, DeleteAclsRequest

from services.operations.rights import OPERATIONS
from tests.members import admin_of

# The protocol's numbers.
_TYPES = {"topic": 2, "group": 3, "transactionalId": 5}
_PATTERNS = {"literal": 3, "prefix": 4}
_PERMISSIONS = {"deny": 2, "allow": 3}
_ANY_HOST = "*"


class Acl(NamedTuple):
    """Who may, or may not, do what to which resources. The words are Strimzi's; `user` may be `*`."""

    user: str
    operation: str
    name: str
    type: str = "topic"
    pattern: str = "literal"
    permission: str = "allow"

    def numbered(self) -> tuple[int, str, int, str, str, int, int]:
        """As it stands in a request: the resource, its pattern, who from where, what, and whether."""
        resource = _TYPES[self.type], self.name, _PATTERNS[self.pattern]
        return *resource, f"User:{self.user}", _ANY_HOST, OPERATIONS[self.operation], _PERMISSIONS[self.permission]


class _Creations(CreateAclsRequest):
    """Many at once; aiokafka's own has one."""

    def __init__(self, acls: Iterable[Acl]) -> None:
        self._acls = [acl.numbered() for acl in acls]

    def build(self, request_struct_class):
        return request_struct_class(self._acls)


async def add(bootstrap: str, acls: Iterable[Acl]) -> None:
    """Raises KafkaError where the broker refuses one."""
    async with admin_of(bootstrap) as admin:
        answer = await admin._send_request(_Creations(acls))
    for code, message in answer.creation_responses:
        _taken(code, message)


async def remove(bootstrap: str, acl: Acl) -> None:
    """Raises KafkaError where the broker refuses; AssertionError where it was not there."""
    async with admin_of(bootstrap) as admin:
        answer = await admin._send_request(DeleteAclsRequest(*acl.numbered()))
    [(code, message, matching)] = answer.filter_responses
    _taken(code, message)
    assert len(matching) == 1, f"{len(matching)} are {acl}"


def _taken(code: int, message: str | None) -> None:
    if (error := for_code(code)) is not NoError:
        raise error(message)
