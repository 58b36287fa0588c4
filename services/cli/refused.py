"""What a command says when it cannot do what it was asked."""

import typer


class Refused(typer.BadParameter):
    """A sentence for a person, as it is: typer would write `Invalid value` before it. Exit code 2."""

    def format_message(self) -> str:
        return self.message
