"""From command to Twilio's API, at most once: intake → outbox → scheduler → attempt → results.

Read in this order: `intake`, `topology`, `scheduler` (with `schedule`, `dispatcher`, `lanes`, `slots`, `account`),
`attempt`, `judging` and `barrier` (what the gate sees), `gateway` (the create call), `transport` (any call to a
host); then `finder`, which settles what is ambiguous, and `main`. The rules are in `domain.messages` and
`domain.consent`; here is when they are asked, and what is done about the answer.
"""
