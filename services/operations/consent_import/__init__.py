"""What a system that is retired knew of people's yes and no, with its evidence, as public consent commands.

importing (one run) → table (rows of a file) → statements (a row is a command, or faulty; pure) · errors
"""
