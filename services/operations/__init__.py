"""What people do to a running log and to Twilio's settings: functions that return what they found and did.

    log (reading), writing, producing (public commands), topic_admin · asking (a processor) · calling, changing (Twilio)
    dead, replay, rebuild, backfill, consent_import · ambiguous, pausing, previewing, tracing, inbound, verdicts
    whose, times, progress · topics, rights · senders, memberships, lists, services, webhooks · doctor, handshake
    history, folded (the log, for the checker)

No terminal, no printing, no exit codes: errors are exceptions with a sentence, progress is told to a callback.
`services/cli` shows it. They may import the checker, the runtime and what lies below, and none of the services: they
see those from outside, as people do.
"""
