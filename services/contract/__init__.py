"""What crosses the log: each product's topics and folds, the registry that gathers them, and the codecs.
`schemas/` is the same contract for everybody else.

May import `domain`; knows no Kafka client and no service.
"""
