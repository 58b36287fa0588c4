"""Reads Twilio where Twilio does not tell: callbacks that never came, and whatever else has to be asked for.

Read in this order: `main` (what runs), `rounds` (the engine: who is read now, and by whom), `polled` (what it must know
of a product), `products` (which there are), `messages` (the first of them), `reader` (one call), `budget` (when it may
be made); then what is done for a tenant by its owner: `of_tenants` (the runs of one), `reconciling` (once a day, all
that Twilio lists), `senders` (those of WhatsApp), `deactivating` (numbers that carriers took
back), `syncing` with `answers` (lists that the log keeps); and `tickets` (to the tenants' desks).

The work list is a fold: a product's table, with its rows listed by tenant and time. Who owns a partition reads its rows
and tells it what came of that; rows, and the facts that were found, are written in one transaction of its fence. So a
kill -9 repeats a call at the most. No other service may import this one.
"""
