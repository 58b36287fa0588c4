"""From command to Twilio's API, at most once: intake → outbox → scheduler → attempt → results.

In the order of a command's walk:
`main` (how it is put together), `topology` (which fold runs on which topic), `products` (whose commands there are),
`outbound` and `commands` (what a product says of itself);
`parking` (it waits for its tenant), `intake` (what is it?), `moments` (since when?), `producers` (who says it?), `ends`
(what is told of it is counted);
`stops`, `conditions` (with `held`, `undecided`, `unknown`), `scheduler`, `finder`, `claims`, `timing` hear of each
flush, in this order; of these `scheduler` goes on: `schedule` (a contact's next), `shelves` (what waits), `dispatcher`
with `lanes` (whose turn), `slots` with `account`, `breaker`, `limit` (who may call);
`attempt`, `judging` with `stated`, `rows`, `quiet`, `approvals`, `fitting` with `registered`, `looks`, `looking` and
`barrier` (what the gate sees), `faults` (whose fault?), `calling` (a product's calls), `transport` (one call to one
host), `answers` (what Twilio says).

`messages` and `studio` are products; `consents` are commands for which nothing is called. The rules are in `domain`;
here is when they are asked, and what is done about the answer.
"""
