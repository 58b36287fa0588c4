"""Ingress: verify a webhook, translate it into a fact, make it durable, acknowledge it. Judges authenticity
only.

Read in this order: `main` (how it is put together), `app` (the answers), `lane` (the common request without
aiohttp's objects), `receiving` (from request to fact and answer), `judge`, `signature`, `form` (is it Twilio's?),
`translate` (what does it say?), `durable` (Kafka or the spool), `publisher`, `producer`, `spool`, `segments`.

May import `runtime`, `contract` and `domain`. Keeps no state but the spool; reads no topic.
"""
