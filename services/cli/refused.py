"""What a command says when it cannot do what it was asked."""

import typer

# The exit code where something is in the way: settings, Kafka, Twilio, what was asked for. 1 is an answer: something
# differs, is at fault, or is not known.
IN_THE_WAY = 2


class Refused(typer.BadParameter):
    """A sentence for a person, as it is: typer would write `Invalid value` before it. Exit code IN_THE_WAY."""

    def format_message(self) -> str:
        return self.message
