"""May we write to this person? Keywords, explicit consent and what carriers say, folded per contact. Pure.

Knows no product: each says in the words of `statements.Stated` what its facts state.

    hearing (what a message says) → keywords, suspicion · commands → intake (explicit consent) · refusals
    → events → statements (what a fact states) → suppression (the fold) → joining (marks into the row)
    → standing (the row, and what is read off it) → sharing (to a person's other names) → dating, version
    → scopes (how far a no goes) → holds, deactivations
    evidence (the row, from the evidence alone)
"""
