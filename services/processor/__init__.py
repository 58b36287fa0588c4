"""The folds that answer questions, and the HTTP interface that asks them.

`topology` says which fold runs on which topic; `queries` answers from the tables, on the worker that owns the
key; `views` is how rows are shown.
"""
