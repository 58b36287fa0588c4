"""What every service stands on: settings, Kafka clients, the fold adapter over Faust, logs, metrics, health.

May import `contract` and `domain`; knows no service. Faust's internals are touched here and nowhere else.
"""
