"""A table folded again from the log, in the shadow, compared with the live one, and mended. Nobody is written to.

    plan (from what a table is rebuilt) → work (one run, partition by partition)
    → log, live, shadow (what is read, and folded again), scratch (rows on disk), snapshot (a table kept in a file)
    → compare (what differs) → publish (what mends it) → restated (what derived topics are told) · errors

The folds are a service's own: whoever calls gives them.
"""
