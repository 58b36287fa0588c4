"""What Twilio's debugger keeps (`/v1/Alerts` of Monitor): calls to us that failed, and the like. Newest first.

Not confirmed: whether `StartDate` and `EndDate` are inclusive; here they are.
"""

from datetime import UTC, datetime

from aiohttp import web

from services.simulator import errors, moments
from services.simulator.accounts import Account
from services.simulator.guard import guarded, refused
from services.simulator.holdings import sid_of
from services.simulator.paging import Resource, origin, page_v1
from services.simulator.service import Simulator


class AlertsApi:
    """`/v1/Alerts`: the list, by level and time."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/v1/Alerts", guarded(self._simulator, self._list, "monitor"))]

    async def _list(self, request: web.Request, account: Account) -> web.StreamResponse:
        try:
            since, until = (_moment(request.query.get(name)) for name in ("StartDate", "EndDate"))
        except ValueError:
            return refused(errors.INVALID_PARAMETER.about("StartDate"))
        level = request.query.get("LogLevel")
        alerts = self._simulator.holdings.alerts.get(account.sid, [])
        found = [_alert(request, account, at, one) for at, one in enumerate(alerts)]
        kept = [
            one
            for one in reversed(found)
            if level in (None, one["log_level"])
            and (since is None or _date(one) >= since)
            and (until is None or _date(one) <= until)
        ]
        return page_v1(request, "alerts", kept)


def _alert(request: web.Request, account: Account, at: int, given: dict[str, object]) -> Resource:
    sid = sid_of("NO", account, f"alert {at}")
    now = moments.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    fields = {
        "error_code": "11200", "log_level": "error", "resource_sid": None, "service_sid": None, "alert_text": "",
        "request_url": None, "request_method": "POST", "date_generated": now,
    } | given  # fmt: skip
    return {
        **fields, "sid": sid, "account_sid": account.sid, "api_version": "2010-04-01",
        "date_created": fields["date_generated"], "date_updated": fields["date_generated"],
        "more_info": f"https://www.twilio.com/docs/errors/{fields['error_code']}",
        "url": f"{origin(request)}/v1/Alerts/{sid}",
    }  # fmt: skip


def _date(alert: Resource) -> datetime:
    return _moment(str(alert["date_generated"])) or datetime.min.replace(tzinfo=UTC)


def _moment(text: str | None) -> datetime | None:
    if not text:
        return None
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
