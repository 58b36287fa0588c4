"""The benchmarks: `python -m tests.bench [part ...] [--short] [--markdown FILE]`, or `make bench`.

Each part is a module that starts a broker and the real services, and returns tables. `rivals` holds other ways to
build the same; `rig` what every part runs on; `workload` what Twilio would send; `load` sends it. No test asserts a
time: figures are for people, taken on a machine that does nothing else.
"""
