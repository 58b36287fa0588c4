"""Messaging's compliance lists: brands, campaigns of a service, toll-free verifications; and what sets them.

`PUT /simulator/accounts/{AC…}/registrations` sets all that an account has, by sid, each with the fields that matter;
`PUT /simulator/registrations` says whether messages of who is not registered end as at Twilio.

Not confirmed: that a service without a campaign lists none (here an empty list).
"""

from collections.abc import Mapping
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError

from services.simulator.accounts import Account
from services.simulator.guard import guarded, not_found
from services.simulator.holdings import sid_of
from services.simulator.numbers import SINCE
from services.simulator.paging import Resource, origin, page_v1
from services.simulator.registrations import Registered
from services.simulator.service import Simulator
from services.simulator.told import invalid

_ISO = SINCE.strftime("%Y-%m-%dT%H:%M:%SZ")
_BRAND: Resource = {
    "customer_profile_bundle_sid": "BU" + "0" * 32, "a2p_profile_bundle_sid": "BU" + "0" * 32,
    "brand_type": "STANDARD", "status": "APPROVED", "tcr_id": "BXXXXXX", "failure_reason": None, "brand_score": None,
    "brand_feedback": [], "identity_status": "VERIFIED", "russell_3000": False, "tax_exempt_status": None,
    "government_entity": False, "skip_automatic_sec_vet": False, "errors": [], "mock": False, "links": {},
}  # fmt: skip
_CAMPAIGN: Resource = {
    "description": "What this sends to those who asked for it, in a sentence.", "message_samples": [],
    "us_app_to_person_usecase": "MIXED", "has_embedded_links": True, "has_embedded_phone": True,
    "subscriber_opt_in": True, "age_gated": False, "direct_lending": False, "campaign_status": "VERIFIED",
    "campaign_id": "CXXXXXX", "is_externally_registered": False, "rate_limits": None, "message_flow": None,
    "opt_in_message": None, "opt_out_message": None, "help_message": None, "opt_in_keywords": [],
    "opt_out_keywords": [], "help_keywords": [], "mock": False, "errors": [],
}  # fmt: skip
_VERIFICATION: Resource = {
    "customer_profile_sid": None, "trust_product_sid": None, "regulated_item_sid": None, "business_name": "Acme",
    "business_website": "https://example.com", "notification_email": "us@example.com",
    "use_case_categories": ["ACCOUNT_NOTIFICATIONS"], "use_case_summary": "What people asked for",
    "production_message_sample": "Your order is on its way", "opt_in_image_urls": [], "opt_in_type": "WEB_FORM",
    "message_volume": "1,000", "status": "PENDING_REVIEW", "rejection_reason": None, "error_code": None,
    "edit_expiration": None, "edit_allowed": None, "rejection_reasons": None, "resource_links": {},
    "external_reference_id": None,
}  # fmt: skip


class RegistrationsRequest(BaseModel):
    """By sid: what each has that is not as usual."""

    model_config = ConfigDict(extra="forbid")

    brands: dict[str, dict[str, Any]] = {}
    campaigns: dict[str, dict[str, Any]] = {}
    verifications: dict[str, dict[str, Any]] = {}


class EnforcedRequest(BaseModel):
    """Whether messages of who is not registered end as at Twilio."""

    model_config = ConfigDict(extra="forbid")

    enforced: bool


class RegisteringApi:
    """`/v1/a2p/BrandRegistrations`, `/v1/Services/{MG…}/Compliance/Usa2p`, `/v1/Tollfree/Verifications`: read alone."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def routes(self) -> list[web.RouteDef]:
        campaigns = "/v1/Services/{service}/Compliance/Usa2p"
        routes = (
            ("/v1/a2p/BrandRegistrations", self._brands),
            ("/v1/a2p/BrandRegistrations/{sid}", self._brand),
            (campaigns, self._campaigns),
            (f"{campaigns}/{{sid}}", self._campaign),
            ("/v1/Tollfree/Verifications", self._verifications),
            ("/v1/Tollfree/Verifications/{sid}", self._verification),
        )
        return [
            *(web.get(path, guarded(self._simulator, handler, "compliance")) for path, handler in routes),
            web.put("/simulator/accounts/{sid}/registrations", self._set),
            web.put("/simulator/registrations", self._enforce),
        ]

    async def _brands(self, request: web.Request, account: Account) -> web.StreamResponse:
        return page_v1(request, "data", _of(request, account, self._mine(account).brands, _BRAND))

    async def _brand(self, request: web.Request, account: Account) -> web.StreamResponse:
        return _one(request, _of(request, account, self._mine(account).brands, _BRAND))

    async def _campaigns(self, request: web.Request, account: Account) -> web.StreamResponse:
        found = self._of_service(request, account)
        return not_found(request) if found is None else page_v1(request, "compliance", found)

    async def _campaign(self, request: web.Request, account: Account) -> web.StreamResponse:
        return _one(request, self._of_service(request, account) or [])

    async def _verifications(self, request: web.Request, account: Account) -> web.StreamResponse:
        query = request.query
        found = [
            one
            for one in self._verified(request, account)
            if query.get("Status") in (None, one["status"])
            and query.get("TollfreePhoneNumberSid") in (None, one["tollfree_phone_number_sid"])
        ]
        return page_v1(request, "verifications", found)

    async def _verification(self, request: web.Request, account: Account) -> web.StreamResponse:
        return _one(request, self._verified(request, account))

    def _verified(self, request: web.Request, account: Account) -> list[Resource]:
        def named(one: Resource) -> Resource:
            return {**one, "tollfree_phone_number_sid": sid_of("PN", account, str(one["tollfree_phone_number"]))}

        return [named(one) for one in _of(request, account, self._mine(account).verifications, _VERIFICATION)]

    def _of_service(self, request: web.Request, account: Account) -> list[Resource] | None:
        """The campaigns of the service in the path; None where it is no service of the account's."""
        service = request.match_info["service"]
        if service not in self._simulator.conversations.pools.sids(account.sid):
            return None
        found = _of(request, account, self._mine(account).campaigns, _CAMPAIGN)
        return [one for one in found if one["messaging_service_sid"] == service]

    def _mine(self, account: Account) -> Registered:
        return self._simulator.registrations.of(account.sid)

    async def _set(self, request: web.Request) -> web.Response:
        try:
            asked = RegistrationsRequest.model_validate_json(await request.read())
        except ValidationError as error:
            return invalid(error)
        found = Registered(
            *(
                {sid: {**usual, **one} for sid, one in given.items()}
                for given, usual in (
                    (asked.brands, _BRAND),
                    (asked.campaigns, _CAMPAIGN),
                    (asked.verifications, _VERIFICATION),
                )
            )
        )
        self._simulator.registrations.put(request.match_info["sid"], found)
        return web.json_response(asked.model_dump())

    async def _enforce(self, request: web.Request) -> web.Response:
        try:
            asked = EnforcedRequest.model_validate_json(await request.read())
        except ValidationError as error:
            return invalid(error)
        self._simulator.registrations.enforced = asked.enforced
        return web.json_response(asked.model_dump())


def _of(
    request: web.Request, account: Account, found: Mapping[str, Mapping[str, Any]], usual: Resource
) -> list[Resource]:
    when = {"date_created": _ISO, "date_updated": _ISO}
    url = f"{origin(request)}{request.path}"
    return [
        {"sid": sid, "account_sid": account.sid, **when, "url": f"{url}/{sid}", **usual, **one}
        for sid, one in found.items()
    ]


def _one(request: web.Request, found: list[Resource]) -> web.Response:
    named = next((one for one in found if one["sid"] == request.match_info["sid"]), None)
    return not_found(request) if named is None else web.json_response(named)
