"""May we write to this person? Keywords, explicit consent and what carriers say, folded per contact. Pure."""
