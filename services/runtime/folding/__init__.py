"""The fold adapter over Faust, written once: emit, remember, then ack, each awaited; no fold knows of it.

In the order of a record's walk: `agent` (a batch goes to its partition), `partition` (flushes of what waits), `fold`
(what a fold declares), `overlay` (a batch folded over the tables, in memory), `ledger` (one transaction), `store` (the
tables on this machine's disk).

Beside it: `app` (how all is put together), `lifetime` (how apps run and end), `fetching` (what a broker is asked for),
`pace` (how often), `consumer` (what is fetched goes to agents in batches), `runner` (who owns which partition),
`recovery` and `membership` (what else is replaced inside Faust, and why), `memory` (what tables may take), `stamp` (of
when a store's rows are), `queue` (what waits for a flush), `flush` (how long one stays open), `rows` and `cache` (rows
that are read), `ahead` (what is folded and not committed yet), `index` (what is due, what is listed), `telling` (a
derived event as a record), `burying` and `dead` (what could not be folded), `progress` (how far it is), `lookup`
(where a row is), `health`, `pulse`, `showing` (what operations see).
"""
