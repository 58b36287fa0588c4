"""The fault bench: a known load on the real services, faults into it, then both ends compared, promise by promise.

`python -m tests.faults --faults 200 --seed 1` runs it. Read in this order: `house` (the processes), `load` (what is
asked of them), `catalogue` (what is done to them; `changing`: to tenants), `episode` (one run: load, faults, rest,
verdict; `rows` compares what services keep), `__main__`.

Everything here is a stranger to the product: it knows its command line, its topics and its HTTP, and nothing else; the
verdict is `services.checker`'s, which shares no code with it either.
"""
