"""From command to Twilio's API, at most once: intake → outbox → scheduler → attempt → results.

Read in this order: `intake`, `topology`, `scheduler`, `forget`, `attempt`, `gateway`, `main`. The rules are in
`domain.messages` (`intake`, `gate`, `outbox`); here is when they are asked, and what is done about the answer.
"""
