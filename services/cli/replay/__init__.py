"""`switchboard replay`: raw facts go through the folds once more, for what a fold has lost or judged wrongly."""
