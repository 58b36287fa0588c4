"""The webhooks of messages: `webhooks` (the three kinds), `translate` and `vouching` (what do they say?),
`keyed` (is a fact keyed by its tenant's secret?)."""

from services.ingress.messages.keyed import FITS as FITS
from services.ingress.messages.webhooks import webhooks as webhooks
