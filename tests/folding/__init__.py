"""The fold adapter, tried on a real broker with workers that are real processes.

`tally` is the fold and its oracle, `worker` the program, `rig` the topics and workers of one test.
"""
