"""Dead letters: what could not be folded, for people to look at, try again, put aside, or release a contact from.

asked (which are meant) → reading (found on the log, with what was done about each) → letters (one, and its record)
dealing (which may be retried or dropped) → desk (records and marks, in one transaction)
releasing (holds whose letters are gone) · masked (the shape of bytes) · errors
"""
