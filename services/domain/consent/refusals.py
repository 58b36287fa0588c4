"""Noes that stop less than others, by the source of their mark."""

# They blocked the sender on its channel; they left its marketing on WhatsApp. WhatsApp keeps both, for one sender. Who
# writes to it again may be answered; templates need a new yes.
LEFT = frozenset({"twilio_63014", "twilio_63033"})
