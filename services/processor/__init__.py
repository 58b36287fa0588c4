"""The folds that answer questions, and the HTTP interface that asks them.

main (how it is put together) → topology (which fold runs on which topic) → noticing, reaching, open_letters (counts)
access (who asks) → queries (answered from the tables, on the worker that owns the key) → views (rows as they are
shown) → audit (who looked) · metrics
"""
