"""Ports on loopback: is one free, which one to take, and does a broker answer on it."""

import random
import socket
import struct

from services.embedded.errors import EmbeddedKafkaError

HOST = "127.0.0.1"

# Below the range from which Linux and macOS draw the ports of outgoing connections. A client that keeps
# calling a killed broker on a port of that range may get that very port as its own, connect to itself, and
# so keep the broker from coming back.
RANGE = range(20_000, 32_768)
# What this process was given is not given again: it may not be listened on yet.
_given: set[int] = set()

# Key 3, version 1, correlation id 1, no client id; then no topics: tell of the brokers only.
_METADATA_V1 = struct.pack(">hhih", 3, 1, 1, -1) + struct.pack(">i", 0)


def is_free(port: int) -> bool:
    """Whether a listener could be opened now. Old connections in TIME_WAIT do not count."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def pick() -> int:
    """A port that is free now; someone else may still take it before we do."""
    first = random.randrange(len(RANGE))  # noqa: S311 - nothing is kept secret by it
    for at in range(len(RANGE)):
        port = RANGE[(first + at) % len(RANGE)]
        if port not in _given and is_free(port):
            _given.add(port)
            return port
    raise EmbeddedKafkaError(f"found no free port between {RANGE.start} and {RANGE.stop - 1}")


def broker_answers(port: int) -> bool:
    """Ask for the cluster's metadata as any client would. True once it names a broker that takes requests.

    An open port alone says little: the listener opens before the broker is registered and unfenced.
    """
    try:
        with socket.create_connection((HOST, port), timeout=1.0) as connection:
            connection.sendall(struct.pack(">i", len(_METADATA_V1)) + _METADATA_V1)
            # The size of the answer, the correlation id, and the number of brokers: int32 each.
            answer = _read(connection, 12)
    except OSError:
        return False
    return len(answer) == 12 and struct.unpack(">iii", answer)[2] > 0


def _read(connection: socket.socket, size: int) -> bytes:
    """`size` bytes, or fewer if the other side closed."""
    received = b""
    while len(received) < size and (part := connection.recv(size - len(received))):
        received += part
    return received
