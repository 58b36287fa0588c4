"""The tenants of the cases: name → settings beside account and secrets. Each case has its own."""

from typing import Any

HELP = "Call +1 415 555 0100."

_PLAIN = (
    "mx",
    "ci",
    "bj",
    "get",
    "button",
    "parent",
    "toll-free",
    "redacted",
    "variables",
    "both",
    "window",
    "left",
    "codes",
    "sibling",
    "late",
    "taken-back",
    "overruled",
    "emoji",
    "media",
    "numeric",
)

TENANTS: dict[str, dict[str, Any]] = {
    **{name: {} for name in _PLAIN},
    "answered": {
        "keywords": [
            {"name": "help", "says": ["HELP"], "reply": HELP},
            {"name": "stop", "says": ["STOP"], "reply": "You are out."},
        ]
    },
    "robots": {"keywords": [{"name": "help", "says": ["HELP"], "reply": HELP}]},
    "accents": {"consent": {"stop_words": ["ARRET", "BAJA", "रोकें"]}},
    "appointments": {"consent": {"not_stop_words": ["CANCEL", "END"]}},
    "polite": {"consent": {"suspected": "defer_marketing"}},
    # Americans are awake for one minute a day.
    "nights": {"quiet_hours": {"purposes": ["marketing"], "countries": {"US": {"begin": "00:00", "end": "23:59"}}}},
    "rarely": {"frequency": {"marketing": [{"messages": 2, "days": 1}]}},
    "house": {},
}
