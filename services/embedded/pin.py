"""Makes `jars.lock` anew: what Kafka's broker and its tools depend on, resolved, each jar with its SHA-256."""

import hashlib
import tempfile
from pathlib import Path

from jgo.maven import MavenContext

from services.embedded import jars

# Kafka logs through slf4j 1.7 and brings no binding: without one a broker that fails says nothing.
_WANTED = (
    f"org.apache.kafka:kafka_2.13:{jars.VERSION}",
    f"org.apache.kafka:kafka-tools:{jars.VERSION}",
    "org.slf4j:slf4j-simple:1.7.36",
)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        context = MavenContext(repo_cache=Path(folder))
        root, others = context.resolver.get_dependency_list([context.create_dependency(one) for one in _WANTED])
        lines = {_line(node.dep.artifact) for node in (*root.children, *others)}
    Path(jars.__file__).with_name("jars.lock").write_text("".join(sorted(lines)), encoding="ascii")


def _line(artifact: object) -> str:
    content = Path(artifact.resolve()).read_bytes()  # type: ignore[attr-defined]  # jgo's has no type here
    coordinate = f"{artifact.groupId}:{artifact.artifactId}:{artifact.version}"  # type: ignore[attr-defined]
    return f"{coordinate} {hashlib.sha256(content).hexdigest()} {len(content)}\n"


if __name__ == "__main__":
    main()
