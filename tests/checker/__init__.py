"""The history checker: a good history that was recorded, and the same with one fault planted at a time."""
