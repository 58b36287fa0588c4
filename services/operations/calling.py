"""Twilio's API for people's work: a client for each account of a tenant, and its refusals as sentences.

Reads are asked again when what is in the way may pass; whatever changes something is posted once.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import requests
from requests.adapters import HTTPAdapter
from twilio.base.exceptions import TwilioException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client
from urllib3.util import Retry

from services.runtime.regions import NOT_FROM_THE_ENVIRONMENT
from services.runtime.section import ConfigError
from services.runtime.sections.twilio import TwilioSettings
from services.runtime.tenants.settings import TenantSettings

PAGE_SIZE = 1000
_TIMEOUT_S = 30.0
_UNAUTHORISED = (401, 403)
_TOO_MANY = 429
# Reads alone are asked again: a removal whose answer was lost would be told 404. Retry-After is heeded. A connection
# that was never made is tried again for all: nothing was posted.
_AGAIN = Retry(
    total=4,
    backoff_factor=0.5,
    allowed_methods={"GET"},
    status_forcelist=(429, 500, 502, 503, 504),
    raise_on_status=False,
)


Answered = Callable[[requests.Response], None]


class TwilioError(ConfigError):
    """A sentence for people: what Twilio does not do, what to do next. `status`: of its answer, if there was one."""

    def __init__(self, text: str, status: int | None = None, code: int | None = None) -> None:
        super().__init__(text)
        self.status, self.code = status, code


class Account(NamedTuple):
    """One of a tenant's accounts, with a client that has its credentials. `main`: the tenant's own."""

    tenant: str
    sid: str
    client: Client
    twilio: TwilioSettings
    main: bool


def accounts(
    name: str,
    tenant: TenantSettings,
    twilio: TwilioSettings,
    answered: Answered | None = None,
) -> Iterator[Account]:
    """The tenant's account and its subaccounts, in its region. `answered` is told of every answer.

    Raises TwilioError at a subaccount without a token.
    """
    twilio = twilio.in_region(tenant.region)
    yield Account(
        name, tenant.account_sid, client(tenant.credentials, tenant.account_sid, twilio, answered), twilio, True
    )
    for sid in tenant.subaccounts:
        credentials = tenant.accounts.get(sid)
        if credentials is None:
            # Its parent's would be shown the parent's own services and senders, for those of this one.
            raise TwilioError(f"{name}: subaccount {sid} has no token in the settings; name it under subaccounts")
        yield Account(name, sid, client(credentials, sid, twilio, answered), twilio, False)


def each_account(tenants: Mapping[str, TenantSettings], twilio: TwilioSettings) -> list[Account]:
    """Those of all these tenants, each once: of the first that has it."""
    found: dict[str, Account] = {}
    for name, one in tenants.items():
        for account in accounts(name, one, twilio):
            found.setdefault(account.sid, account)
    return list(found.values())


def client(
    credentials: tuple[str, str],
    account: str,
    twilio: TwilioSettings,
    answered: Answered | None = None,
) -> Client:
    """A client of the package's that has a time-out, and asks where the settings say."""

    def hear(response: requests.Response, *_: object, **__: object) -> None:
        if answered is not None:
            answered(response)

    http = TwilioHttpClient(timeout=_TIMEOUT_S, request_hooks={"response": [hear]})
    for scheme in ("https://", "http://"):
        http.session.mount(scheme, HTTPAdapter(max_retries=_AGAIN))
    made = Client(*credentials, account, http_client=http, environment=NOT_FROM_THE_ENVIRONMENT)
    made.api.base_url = twilio.api
    made.messaging.base_url = twilio.messaging_url
    made.monitor.base_url = twilio.monitor_url
    made.content.base_url = twilio.content_url
    made.studio.base_url = twilio.studio_url
    made.pricing.base_url = twilio.pricing_url
    return made


class asking:  # noqa: N801 (used as a statement: `with asking(account, "list the numbers"):`)
    """Turns what the package raises into TwilioError. `what` completes "Twilio does not let tenant acme …"."""

    def __init__(self, account: Account, what: str) -> None:
        self._account, self._what = account, what

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, TwilioException):
            raise self._refusal(error) from error
        if isinstance(error, requests.RequestException | ValueError):
            twilio = self._account.twilio
            raise TwilioError(
                f"no Twilio answers at {', '.join(dict.fromkeys(twilio.urls.values()))} "
                f"({type(error).__name__}); check twilio.api and its neighbours in the settings, and run it again"
            ) from error

    def _refusal(self, error: TwilioException) -> TwilioError:
        account, status, code = self._account, status_of(error), getattr(error, "code", None)
        about = f"{status}, code {code}" if code else str(status)
        if status in _UNAUTHORISED:
            return TwilioError(
                f"Twilio does not let tenant {account.tenant} {self._what} of account {account.sid} ({about}); check "
                "its credentials, that they are of the region of the tenant, that the account is active, and what its "
                "API key may use",
                status,
                code,
            )
        hint = "wait a minute, and run it again" if status == _TOO_MANY else "run it again"
        return TwilioError(f"Twilio does not {self._what} of account {account.sid} ({about}); {hint}", status, code)


def status_of(error: TwilioException) -> int | None:
    """The status of the answer: what the package raises of a page has the answer itself."""
    status = getattr(error, "status", None)
    if status is None and len(error.args) > 1:
        status = getattr(error.args[1], "status_code", None)
    return status if isinstance(status, int) else None
