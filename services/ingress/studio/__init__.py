"""What a flow's HTTP widgets tell us: `webhooks` (the kind), `secret` (who vouches for it), `keyed` (is a fact keyed by
its tenant's secret?)."""

from services.ingress.studio.keyed import FITS as FITS
from services.ingress.studio.webhooks import webhooks as webhooks
