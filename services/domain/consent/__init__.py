"""May we write to this person? Keywords, explicit consent and what carriers say, folded per contact. Pure.

Knows no product: each says in the words of `suppression.Stated` what its facts state.

    hearing (what a message says) → keywords, suspicion · commands → intake (explicit consent) · refusals
    → events → suppression (the fold) → dating, statements → scopes (how far a no goes) → holds
    evidence (the row, from the evidence alone)
"""
