"""What every service stands on: settings, Kafka clients, the fold adapter over Faust, logs, metrics, health.

    environment, section → config, tenants → policy, intake_rules, replying (settings as the domain wants them)
    → kafka, tls, connections, room → batches, unpacking → folding
    process, logs, metrics, http, about, directories, following · clock, delays, masking, tokens, urls, regions
    line, posting (calls to Twilio), deactivations (its lists of numbers taken back)
    callbacks, unheard, unknown_codes · simulated (the simulator's settings) · failpoints (for the tests)

May import `contract` and `domain`; knows no service. Faust's internals are touched here and nowhere else.
"""
