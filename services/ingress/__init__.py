"""Ingress: verify a webhook, translate it into a fact, make it durable, acknowledge it. Judges authenticity
only.

Read in this order: `main` (how it is put together), `app` (the answers), `lane` (the common request without
aiohttp's objects), `turns` (who waits for whom), `receiving` (from request to facts and answer), `products` (which
webhooks there are), `webhook` (what a product says of one), `judge`, `signature`, `spellings`, `queries`, `form` (is it
Twilio's?), `routing` (whose is it, where the URL does not say?), `messages` (a product: what does it say, what is
answered?), `durable` (Kafka or the spool), `publisher`, `producer`, `spool`, `segments`,
`stamp` (are the tenants those that the log knows?), `aside` (facts that a wrong secret keyed).

May import `runtime`, `contract` and `domain`. Keeps no state but the spool; reads no topic.
"""
