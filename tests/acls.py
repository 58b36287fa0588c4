"""Rights at a broker that has an authorizer, given and taken by Kafka's own command."""

from services.embedded import jars
from services.embedded.broker import EmbeddedKafka
from services.embedded.java import find
from services.embedded.tools import run


def acls(broker: EmbeddedKafka, *arguments: str) -> None:
    """What `kafka-acls.sh` does. It takes a Java, so whoever has many gives them at once."""
    java = [find("java"), *EmbeddedKafka.jvm, "-cp", f"{jars.ensure(lambda _: None)}/*"]
    tool = ["org.apache.kafka.tools.AclCommand", "--bootstrap-server", broker.bootstrap]
    run([*java, *tool, *arguments], what="AclCommand", timeout_s=60)
