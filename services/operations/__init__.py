"""What people do to a running log and to Twilio's settings: topics, senders, webhooks, services, the doctor.

Functions that return what they found and did: no terminal, no printing, no exit codes. `services/cli` shows it. They
may import the runtime and what lies below, and none of the services: they see those from outside, as people do.
"""
