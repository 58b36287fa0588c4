"""From command to Twilio's API, at most once: intake → outbox → scheduler → attempt → results.

In the order of a command's walk:
`topology` (which fold runs on which topic), `messages` (a product: `commands`), `requests` (a record, read), `intake`
(what is it?);
once the outbox has folded it: `scheduler` (hears of its row), `contacts` (what a contact waits for), `schedule` (its
next command), `dispatcher` (may a turn begin?), `lanes` (whose turn is it?), `slots` (how many may call), `turns` (a
turn is carried out);
`attempt`, `judging` (may it go?), `barrier` (is all read that was said?), then the product's `messages` (`outbound`,
`creating`: what is posted), `calling` (the calls).

Beside it, in the same order: `main` (how all is put together), `products` (which there are), `outbound` and `commands`
(what a product says of itself); `moments` (since when is it?), `producers` (who says it?), `parking` (its tenant is not
known yet), `ends` (what is told of it is counted); `stops`, `conditions` (with `held`, `undecided`, `unknown`),
`finder`, `claims`, `timing` (hear of rows too); `backlog`, `survey` (what waits in the table), `paces`,
`lane_rates` (rates), `rounds` (turns among equals), `account`, `accounts`, `breaker`, `limit` (what an account may do);
`seeing` with `stated`, `rows`, `quiet`, `approvals`, `templated`, `fitting`, `registered`, `budgets`, `looks`,
`looking`, `lookups`, `lookup` (what the gate sees), `metering` (what is told of budgets); `faults` (whose fault?),
`outcomes`, `answers` (what Twilio says), `attempted` (what of attempts is counted); `tables`, `tasks`, `metrics`.

`messages`, `studio` and `followups` are products; `consents` are commands for which nothing is called. The rules are in
`domain`; here is when they are asked, and what is done about the answer.
"""
