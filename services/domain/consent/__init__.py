"""May we write to this person? Keywords, explicit consent and what carriers say, folded per contact. Pure.

Knows no product: each says in the words of `suppression.Stated` what its facts state.
"""
