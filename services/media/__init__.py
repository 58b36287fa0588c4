"""Copies files that people sent to object storage: an optional worker.

Read in this order: `main` (what runs), `topology` (the fold), `copier` (which message is worked on now), `copying` (one
medium, from Twilio to the storage), `fetching` (at Twilio's hosts, with credentials; elsewhere without), `sniffing`
(what is it by its content?), `scanning` (ClamAV), `storage` (S3), `links` (for consumers), `counting` (metrics).

The work list is a fold (`services.domain.messages.copies`). Who owns a partition copies its media and tells it what
came of each; rows, and what is told on `twilio.media.v1`, are written in one transaction of its fence. An object's name
follows from its message, so a kill -9 repeats a copy and makes no second one. No other service may import this one.
"""
