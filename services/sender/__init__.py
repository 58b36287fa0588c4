"""From command to Twilio's API, at most once: intake → outbox → scheduler → attempt → results.

Read in this order: `products` (whose commands there are), `outbound` and `commands` (what a product says of itself),
`intake`, `topology`, `scheduler` (with `schedule`, `dispatcher`, `lanes`, `slots`, `account`), `attempt`, `judging` and
`barrier` (what the gate sees), `calling` (a product's calls), `transport` (one call to one host); then `finder` and
`claims`, which settle what is ambiguous, and `main`. `messages` and `studio` are products; `consents` are commands for
which nothing is called. The rules are in `domain`; here is when they are asked, and what is done about the answer.
"""
