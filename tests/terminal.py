"""Another terminal: runs lines that were printed to be copied, in another folder, with a kcat."""

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

from tests.processes import LOOPBACK

# Stands in for kcat: -P produces the lines of its input, -C reads a topic from its beginning.
KCAT = f"#!{sys.executable}\n" + textwrap.dedent(
    """
    import argparse, asyncio, sys
    from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

    parser = argparse.ArgumentParser()
    for flag in ("-P", "-C", "-e", "-q"):
        parser.add_argument(flag, action="store_true")
    for option in ("-b", "-t", "-o"):
        parser.add_argument(option)
    asked = parser.parse_args()

    async def produce():
        async with AIOKafkaProducer(bootstrap_servers=asked.b) as producer:
            for line in sys.stdin:
                await producer.send_and_wait(asked.t, line.rstrip().encode())

    async def consume():
        async with AIOKafkaConsumer(bootstrap_servers=asked.b, isolation_level="read_committed") as consumer:
            await consumer._client.set_topics([asked.t])
            partitions = [TopicPartition(asked.t, one) for one in consumer.partitions_for_topic(asked.t)]
            consumer.assign(partitions)
            await consumer.seek_to_beginning(*partitions)
            for records in (await consumer.getmany(timeout_ms=3000)).values():
                for record in records:
                    print(record.value.decode())

    asyncio.run(produce() if asked.P else consume())
    """
)


def terminal(folder: Path) -> Callable[..., str]:
    """Another terminal, in another folder, with a kcat: runs lines and returns what they print."""
    (folder / "bin").mkdir()
    (folder / "bin" / "kcat").write_text(KCAT)
    (folder / "bin" / "kcat").chmod(0o755)

    def run(*lines: str) -> str:
        path = f"{folder / 'bin'}:{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-ec", "\n".join(lines)],
            cwd=folder / "bin",
            env={**os.environ, **LOOPBACK, "PATH": path},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run
