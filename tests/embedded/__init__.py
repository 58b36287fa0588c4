"""The embedded broker: its jars, its Java, its processes."""
