"""Twilio's codes for messaging, a table per family. Read through `services.domain.errors`, by nobody else.

`info` what is known of a code, `account` credentials and the API itself (20xxx), `requests` refusals of a message
(21xxx, 30409, 35xxx), `carriers` ends of a text message (30xxx), `registration` of senders with carriers (30xxx,
21717 and on), `channels` WhatsApp, RCS and Messenger (63xxx), `webhooks` calls to us (11xxx, 12xxx, 14xxx, 57xxx).

What each means is Twilio's: its error dictionary as of February 2025, and pages of single codes from 2026. The
sentences are ours.
"""
