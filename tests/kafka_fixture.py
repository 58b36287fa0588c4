"""The broker of others that tests with topics of their own share: the one KAFKA_BOOTSTRAP names, else one in Docker."""

import contextlib
import functools
import os
import shutil
import subprocess
import warnings
from collections.abc import Iterator

from docker.errors import DockerException
from testcontainers.community.kafka import KafkaContainer

IMAGE = "confluentinc/cp-kafka:8.1.0"  # Kafka 4.1, as the embedded one

# A machine without Docker, or without a way to the registry, must not wait long for either.
_ANSWER_TIMEOUT_S = 5.0
_PULL_TIMEOUT_S = 60.0


@contextlib.contextmanager
def broker_of_others() -> Iterator[str | None]:
    """The bootstrap servers of a broker that is no embedded one; None where there is none."""
    if named := os.environ.get("KAFKA_BOOTSTRAP"):
        yield named
    elif container := _container():
        with contextlib.ExitStack() as stack:
            stack.callback(container.stop)
            yield container.get_bootstrap_server()
    else:
        yield None


def needs_embedded(fixtures: set[str]) -> bool:
    """Whether these fixtures will start an embedded broker."""
    if {"broker", "shared"} & fixtures:
        return True
    return "kafka" in fixtures and not os.environ.get("KAFKA_BOOTSTRAP") and not _image_is_here()


def _container() -> KafkaContainer | None:
    """A running Kafka in Docker; None where there is no Docker, no image, or it does not come up."""
    if not _image_is_here():
        return None
    container = KafkaContainer(IMAGE).with_kraft()
    try:
        return container.start(timeout=60)
    except (DockerException, OSError) as error:
        warnings.warn(f"Docker has {IMAGE} but it did not start: {error}", stacklevel=2)
        with contextlib.suppress(DockerException, OSError):
            container.stop()
        return None


@functools.cache
def _image_is_here() -> bool:
    """Whether Docker answers and has the image, or can fetch it in reasonable time."""
    if shutil.which("docker") is None or not _docker("version", timeout_s=_ANSWER_TIMEOUT_S):
        return False
    here = _docker("image", "inspect", IMAGE, timeout_s=_ANSWER_TIMEOUT_S)
    return here or _docker("pull", "-q", IMAGE, timeout_s=_PULL_TIMEOUT_S)


def _docker(*arguments: str, timeout_s: float) -> bool:
    try:
        done = subprocess.run(["docker", *arguments], capture_output=True, timeout=timeout_s, check=False)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0
