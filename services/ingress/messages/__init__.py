"""The webhooks of messages: `webhooks` (the three kinds), `translate` and `vouching` (what do they say?), `replies`."""

from services.ingress.messages.webhooks import webhooks as webhooks
