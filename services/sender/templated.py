"""What the gate sees of a command's template."""

from collections.abc import Mapping

from msgspec.structs import replace

from services.domain.gate.question import Question
from services.domain.gate.view import TemplateSeen, View
from services.domain.gate.windows import is_open
from services.domain.templates.catalogue import Catalogue
from services.domain.templates.events import ONLY_APPROVED, ONLY_IN_SESSION, STOPPED, TemplateStated
from services.domain.templates.placeholders import faults_of_variables
from services.sender.outbound import Templated

# Of a template: its languages, and what is wrong with a command's variables.
_MOST_LANGUAGES, _MOST_FAULTS = 20, 10
# Of an event's id, enough to tell one from another.
_VERSION = 8


def with_template(view: View, question: Question, named: Templated, catalogue: Catalogue) -> View:
    """What the command's template is now. The window decides which of a name's languages may go."""
    if named.name is None:
        found, languages = catalogue.get(named.content_sid or ""), {}
    else:
        window_open = is_open(question, view)

        def may_go(one: TemplateStated) -> bool:
            if question.channel != "whatsapp" or one.state == "approved":
                return True
            return window_open and one.state not in STOPPED

        found = catalogue.named(named.name, named.language, question.country, may_go)
        languages = dict(list(catalogue.languages(named.name).items())[:_MOST_LANGUAGES])
    seen = _template(found, named.variables) if found else None
    return replace(view, template=seen, template_languages=languages)


def _template(found: TemplateStated, variables: Mapping[str, str]) -> TemplateSeen:
    return TemplateSeen(
        content_sid=found.content_sid,
        name=found.name,
        language=found.language,
        state=found.state,
        category=found.category,
        version=found.event_id[:_VERSION],
        opens=not ONLY_IN_SESSION.issuperset(found.types),
        only_approved=not ONLY_APPROVED.isdisjoint(found.types),
        faults=faults_of_variables(found.placeholders, variables)[:_MOST_FAULTS],
    )
