"""What looks like an opt-out and is no keyword: `Stop. Thank you`, `please stop texting me`.

Plain rules, in the languages of `_PHRASES`. A message is cut into clauses; courtesies around each are taken off, and
what is left must be one of the phrases as a whole: so neither `don't stop` nor `the bus stop is closed` is suspected.
A bare `stop` counts only where nothing but courtesies stands beside it.
"""

import re
import unicodedata
from collections.abc import Iterable

from services.domain.consent.keywords import normalise, unaccented

# Who wants to end it does not write a letter; and a longer one is for people to read in any case.
_LONGEST = 400
# Quoted: a reaction to a message of ours repeats it.
_QUOTED = re.compile(r"“[^”]*”|„[^“”]*[“”]|«[^»]*»|\"[^\"]*\"")
_CLAUSES = re.compile(r"[.!?,;:\n\r…—–()]+|\s-+\s")
# An apostrophe belongs to its word; every other sign ends one.
_SIGNS = re.compile(r"[^\w' ]|_")
_BEFORE = re.compile(
    r"(?:(?:please|pls|plz|pleas|kindly|hi|hello|hey|ok|okay|sorry|thanks|thank you|thx|ty|just|and|so|again|guys|"
    r"(?:can|could|would|will) (?:you|u|ya)|i said|i told you to|i asked you to|i want you to|you (?:need|have) to|"
    r"you must|i(?: would|'d)? (?:want|like|wish|need) (?:you )?to|how (?:do|can) i|how to|sir|madam|dear (?:sir|team)|"
    r"por favor|porfavor|hola|oye|ya|s'il (?:vous|te) plait|svp|merci de|bonjour|bitte|hallo|per favore|ciao|ola|oi)"
    r" )+"
)
_AFTER = re.compile(
    r"(?: (?:please|pls|plz|thanks|thank you|thx|ty|now|already|immediately|today|ok|okay|asap|right now|right away|"
    r"anymore|any more|again|at once|for good|forever|permanently|por favor|porfavor|gracias|ya|svp|merci|"
    r"s'il (?:vous|te) plait|bitte|danke|sofort|per favore|grazie|obrigado|obrigada|ja|so much|very much|sir|madam))+"
)
# What may stand beside a bare stop.
_COURTESY = re.compile(
    r"|please|pls|plz|(?:no )?(?:thanks|thank you|thx|ty)(?: (?:so|very) much)?|no|hi|hello|hey|sorry|ok|okay|enough|"
    r"(?:i'm |im |i am )?not interested|wrong (?:number|person)|cheers|regards|best regards|bye|goodbye|"
    r"sent from my .*|"
    r"gracias|por favor|merci|svp|danke|bitte|grazie|per favore|obrigado|obrigada|hola|hallo|bonjour|ola"
)
_BARE = re.compile(
    r"(?:stop|stopp|stopall|stop all|stop it|stop this|stop that|stop these|unsubscribe|opt out|optout|opt-out)"
    r"(?: (?:stop|unsubscribe))*|arret|arreter|baja"
)
_TEXTS = (
    r"(?:(?:all|the|this|these|those|any|any more|more|your|of|such|so many|text|sms|marketing|promotional|promo|spam|"
    r"automated|unwanted|reminder|whatsapp) )*"
    r"(?:texts?|messages?|msgs?|sms|reminders?|notifications?|alerts?|updates?|ads?|adverts?|advertising|offers?|"
    r"promos?|promotions?|marketing|spam|newsletters?|mailings?|whatsapps?)"
)
_THESE = rf"(?:{_TEXTS}|it|this|that|these|those|stuff)"
_ME = r"(?:me|us|my (?:phone|number|cell|mobile)|this (?:phone|number)|him|her|here)"
_PHRASES = re.compile(
    "|".join(
        (
            # English
            rf"(?:stop|quit|cease) (?:texting|messaging|contacting|spamming|bothering|harassing|writing|emailing|"
            rf"calling|sending|sms)(?: (?:to )?{_ME})?(?: {_THESE})?(?: (?:to|on|from|with|about) .+)?",
            rf"(?:stop|end|cancel) {_TEXTS}(?: (?:to|on) {_ME})?",
            rf"stop(?: to)? (?:send|text|message|sms|contact|call)(?: {_ME})?(?: {_THESE})?",
            rf"(?:unsubscribe|unsubscribed|remove|delete|opt|take) {_ME}(?: (?:out|off|from))?"
            r"(?: (?:of|from))?(?: (?:the|this|these|your|all|any) ?.*)?",
            r"(?:to )?(?:unsubscribe|opt out|be removed|be unsubscribed)(?: (?:from|of) .+)?",
            rf"(?:stop|no longer) (?:getting|receiving|receive|get) {_THESE}(?: from .+)?",
            rf"no more {_TEXTS}(?: from .+)?",
            rf"(?:do not|don't|dont|never) (?:ever )?(?:text|message|contact|sms|msg|write|write to|call|send)"
            rf"(?: {_ME}(?: {_THESE})?| {_TEXTS})(?: ever)?(?: (?:to|on|at|from) .+)?",
            rf"i (?:do not|don't|dont|no longer) (?:want|wish|need)(?: to (?:receive|get))? {_TEXTS}(?: from .+)?",
            r"leave me alone|lose my number|take my number off .+",
            # Spanish
            r"(?:dejen?|paren?) de (?:enviar|mandar|escribir|llamar|molestar)(?:me|nos)?(?: .+)?",
            r"no (?:me |nos )?(?:escriban?|envien?|manden?|llamen?|molesten?|contacten?) mas(?: .+)?",
            r"no (?:quiero|deseo)(?: (?:recibir|mas|sus|tus|estos))* (?:mensajes|promociones|publicidad|ofertas|sms)",
            r"(?:quiero |deseo |solicito )?(?:darme|dame|denme|deme) de baja(?: .+)?",
            # Portuguese
            r"(?:parem?|pare) de (?:me )?(?:enviar|mandar|escrever|ligar|incomodar)(?: .+)?",
            r"nao (?:quero|desejo) (?:mais )?receber(?: .+)?",
            r"nao (?:me )?(?:enviem?|mandem?|escrevam?|envie) mais(?: .+)?",
            r"me (?:tirem?|tira|removam?|remova|descadastrem?|descadastra)(?: d[aeo]s? .+)?",
            # French
            r"(?:arretez|arrete|cessez) (?:de m'|de me |vos |ces |les |de nous )(?:.+)",
            r"(?:desabonnez|desinscrivez|desabonne|desinscris|retirez)[ -]?moi(?: .+)?",
            r"(?:je )?(?:ne |n')?(?:veux|souhaite|desire) (?:plus|pas) (?:recevoir|de) (?:vos|de|ces|messages|sms).*",
            r"ne m'(?:envoyez|ecrivez|appelez|contactez) plus(?: .+)?|plus de (?:messages|sms|pubs?|publicites?)",
            # German
            r"(?:keine|nicht mehr) (?:weiteren? |mehr |solchen? |eure |ihre )*"
            r"(?:nachrichten|sms|werbung|mails?|angebote|erinnerungen)(?: (?:mehr|schicken|senden|schreiben))*",
            r"(?:mich )?(?:abmelden|abbestellen|austragen)|melden sie mich (?:bitte )?ab|meldet mich (?:bitte )?ab",
            r"(?:horen sie|hort) (?:bitte )?auf(?: mir)?(?: .+)?|schreiben sie mir (?:bitte )?nicht mehr",
            # Italian
            r"non (?:inviatemi|mandatemi|scrivetemi|inviarmi|mandarmi|scrivermi|contattatemi) piu(?: .+)?",
            r"(?:cancellatemi|disiscrivetemi|toglietemi|rimuovetemi)(?: .+)?",
            r"non voglio (?:piu )?ricevere(?: .+)?|basta (?:messaggi|sms|pubblicita|promozioni)",
        )
    )
)


def suspicious(body: str, phrases: Iterable[str] = ()) -> bool:
    """Does this look like an opt-out? `phrases`: a tenant's own, normalised without accents; each as a whole clause."""
    if not body or len(body) > _LONGEST:
        return False
    clauses = [(clause, _without_courtesies(clause)) for clause in _clauses(body)]
    own = frozenset(phrases)
    if any(_PHRASES.fullmatch(each) or normalise(each) in own for _, said in clauses for each in said):
        return True
    others = [clause for clause, said in clauses if not any(map(_BARE.fullmatch, said))]
    return len(others) < len(clauses) and all(map(_COURTESY.fullmatch, others))


def phrase(text: str) -> str:
    """A tenant's phrase as it is compared."""
    return normalise(_text(text))


def _clauses(body: str) -> list[str]:
    found = (" ".join(_SIGNS.sub(" ", clause).split()) for clause in _CLAUSES.split(_QUOTED.sub(" ", _text(body))))
    return [clause for clause in found if clause]


def _text(body: str) -> str:
    """Without case and accents, and with one kind of apostrophe."""
    plain = unicodedata.normalize("NFKC", body).casefold().replace("’", "'").replace("`", "'")
    return unaccented(
        "".join(char for char in plain if unicodedata.category(char) not in ("Cf", "Cc") or char in "\n\r")
    )


def _without_courtesies(clause: str) -> set[str]:
    """A clause as it is, and without the courtesies before it, after it, and both."""
    before = _BEFORE.match(f"{clause} ")
    beginnings = {clause, clause[before.end() :]} if before else {clause}
    return beginnings | {_without_end(one) for one in beginnings}


def _without_end(clause: str) -> str:
    ending = next((one for one in _AFTER.finditer(clause) if one.end() == len(clause)), None)
    return clause if ending is None else clause[: ending.start()]
