"""Ingress: verify a webhook, translate it into a fact, make it durable, acknowledge it. Judges authenticity
only.

In the order of a webhook's walk: `lane` (the common request without aiohttp's objects), `receiving` (from request to
facts and answer), `webhook` (what a product says of one kind), `signature` (is it Twilio's?), `parameters` (what was
sent), `messages` (a product: `webhooks`, `translate`: what does it say, what is answered?), `durable` (Kafka or the
spool), `publisher`, `producer`.

Beside it: `main` (how all is put together), `app` (every other request), `turns` (who waits for whom), `products`
(which webhooks there are), `routing` (whose is it, where the URL does not say?), `tenants` (what of a tenant is asked
each time), `spellings`, `queries` (a request that was signed in another spelling than the documented), `studio` (a
product), `answer`, `reasons`, `refusals` (what is said, and why), `spool`, `segments`, `disk`, `drainer` (while Kafka
is away), `stamp` (are the tenants those that the log knows?), `aside` (facts that a wrong secret keyed), `metrics`.

May import `runtime`, `contract` and `domain`. Keeps no state but the spool; reads no topic.
"""
