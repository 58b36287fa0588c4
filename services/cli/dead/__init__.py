"""`switchboard dead`: what could not be folded, for people to look at, try again, or put aside."""
