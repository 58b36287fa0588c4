"""The tenants of the cases: name → settings beside account and secrets. Each case has its own."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

ON_CALL = "+14155550177"
HELP = "Call +1 415 555 0100."

CALIFORNIA = ZoneInfo("America/Los_Angeles")
ENOUGH_S = 600


def _until_soon() -> dict[str, str]:
    now = datetime.now(UTC).astimezone(CALIFORNIA)
    return {"begin": f"{now - timedelta(minutes=5):%H:%M}", "end": f"{now + timedelta(hours=1):%H:%M}"}


_PLAIN = (
    "landline",
    "off",
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
    "oncall": {
        "keywords": [
            {"name": "stop", "says": ["STOP"], "command": {"to": [ON_CALL], "body": "{writer} has had enough"}},
            {"name": "oncall", "says": ["ONCALL {text*}"], "command": {"to": [ON_CALL], "body": "{writer}: {text}"}},
            {"name": "back", "says": ["CALL ME"], "command": {"to": ["writer"], "body": "We call you at {writer}."}},
        ],
        "routing": {"routes": [{"pool": {"+14155550101": 1}}]},
    },
    "accents": {"consent": {"stop_words": ["ARRET", "BAJA", "रोकें"]}},
    "appointments": {"consent": {"not_stop_words": ["CANCEL", "END"]}},
    "polite": {"consent": {"suspected": "defer_marketing"}},
    # It is night in California, and for an hour more: the house's clock must not run a day ahead of the broker's.
    "nights": {"quiet_hours": {"purposes": ["marketing"], "countries": {"US": _until_soon()}}},
    "rarely": {"frequency": {"marketing": [{"messages": 2, "days": ENOUGH_S / 86_400}]}},
    "pooled": {
        "routing": {"routes": [{"pool": {"+14155550100": 1, "+14155550101": 1}}]},
        "consent": {"stop_reaches": "tenant"},
    },
    "house": {},
}
