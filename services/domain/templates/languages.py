"""Languages of templates: how a tag is compared, and in which order those of a person's country are tried.

Which languages a country has, and their order by how many use them, is CLDR's, as babel has it.
"""

from babel.languages import get_official_languages

# What is tried behind the country's own.
_FALLBACK = ("en_US", "en")


def tag(language: str) -> str:
    """A tag for comparing: Twilio writes `pt_BR`, most others `pt-BR`."""
    return language.strip().replace("-", "_").casefold()


def of_country(country: str | None) -> tuple[str, ...]:
    """BR → pt_BR, pt, en_US, en: of each language that of the very country first. Without a country the fallback."""
    found: list[str] = []
    for language in get_official_languages(country, de_facto=True) if country else ():
        # Without a script: templates are told apart by country.
        name = language.partition("_")[0]
        found += [f"{name}_{country}", name]
    return tuple(dict.fromkeys(map(tag, (*found, *_FALLBACK))))
