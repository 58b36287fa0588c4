"""Raw facts go through the folds once more, for what a fold has lost or judged wrongly.

facts (which are meant, and what is written for one) → replaying (found, and written again) → pace (not too fast)
"""
