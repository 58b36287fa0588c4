"""What crosses the log: each product's topics and folds, the registry that gathers them, and the codecs.
`schemas/` is the same contract for everybody else.

    topic, fold → messages, consent, senders, outbound, outbox, tenants, audit (what each has on the log) → topics (all)
    codec (a record's bytes) → partition · signatures, reading → commands, parameters, fields (public commands)
    letters, positions (dead letters) · access (who may what at the broker) · plan (how its topics come in step)

May import `domain`; knows no Kafka client and no service.
"""
