"""What crosses the log: the topic registry and the codecs. `schemas/` is the same contract for everybody else.

May import `domain`; knows no Kafka client and no service.
"""
