"""The templates of one tenant: by content sid; or by name, in the language that was asked for or fits the person."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

from services.domain.templates.events import TemplateStated
from services.domain.templates.languages import of_country, tag


class Catalogue:
    """What is known of them at one moment."""

    def __init__(self, templates: Iterable[TemplateStated] = ()) -> None:
        self._by_sid = {one.content_sid: one for one in templates}
        self._by_name: defaultdict[str, list[TemplateStated]] = defaultdict(list)
        for one in self._by_sid.values():
            self._by_name[one.name].append(one)

    def get(self, content_sid: str) -> TemplateStated | None:
        return self._by_sid.get(content_sid)

    def named(
        self, name: str, language: str | None, country: str | None, may_go: Callable[[TemplateStated], bool]
    ) -> TemplateStated | None:
        """The one of this name in this very language; where none is named, the first that fits the country.

        Of the latter those that may go come first, whatever their language; so a translation that waits for approval
        stops nothing. Of several in one language, the one that may go, then the one that was changed last.
        """
        found = sorted(
            self._by_name.get(name, ()), key=lambda one: (may_go(one), one.updated_at or "", one.content_sid)
        )
        by_tag = {tag(one.language): one for one in found}
        if language is not None:
            return by_tag.get(tag(language))
        fitting = [by_tag[one] for one in of_country(country) if one in by_tag]
        return next(filter(may_go, fitting), next(iter(fitting), None))

    def meant(self, content_sid: str | None, name: str | None, language: str | None) -> list[TemplateStated]:
        """All that a command may mean, which names one by its sid, or by its name with or without a language."""
        if name is None:
            found = self._by_sid.get(content_sid or "")
            return [found] if found is not None else []
        wanted = tag(language) if language is not None else None
        return [one for one in self._by_name.get(name, ()) if wanted in (None, tag(one.language))]

    def languages(self, name: str) -> Mapping[str, str]:
        """In which languages there is one of this name, and the state of each."""
        found = sorted(self._by_name.get(name, ()), key=lambda one: (one.language, one.updated_at or ""))
        return {one.language: one.state for one in found}

    def states(self) -> Mapping[str, int]:
        """How many there are in each state."""
        counted: defaultdict[str, int] = defaultdict(int)
        for one in self._by_sid.values():
            counted[one.state] += 1
        return counted


NO_TEMPLATES = Catalogue()
