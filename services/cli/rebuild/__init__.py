"""`switchboard rebuild`: a table folded again from the log, in the shadow, and compared with the live one.

`plan` says from what each table is rebuilt; `shadow` folds, `compare` decides, `publish` mends, `snapshot` keeps. It
may import the services' topologies and the fold adapter; it writes nothing unless told to, and nobody is written to.
"""
