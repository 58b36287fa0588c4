"""What a command is for."""

from services.domain.gate.question import Question
from services.domain.gate.view import View


def purpose(question: Question, view: View) -> str:
    """What a command is for, wherever that is asked: as its producer says; else as its template's category does.

    The text beside a template says the same as that, so it is for the same.
    """
    if question.purpose_said:
        return question.purpose
    if not question.template:
        return "utility"
    category = (view.template.category or "").lower() if view.template else ""
    return category if category in ("utility", "authentication") else "marketing"


def counted_as(question: Question, view: View) -> str | None:
    """The purpose by whose caps it counts; None: the answer to a STOP or START is not one more of our messages."""
    return None if question.confirms else purpose(question, view)
