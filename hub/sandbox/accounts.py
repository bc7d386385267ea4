"""Connected accounts: made with capabilities asked for, which become active when onboarding ends."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from hub.sandbox import hosted, schedules
from hub.sandbox.answers import Json, invalid, missing
from hub.sandbox.call import Call
from hub.sandbox.forms import Params
from hub.sandbox.lists import ListParams, listed, page
from hub.sandbox.store import PLATFORM

CURRENCIES = {
    "US": "usd",
    "GB": "gbp",
    "BR": "brl",
    "JP": "jpy",
    "CA": "cad",
    "AU": "aud",
    "CH": "chf",
    "MX": "mxn",
    "PL": "pln",
    "SE": "sek",
    "DK": "dkk",
}
CURRENCY_DEFAULT = "eur"
NEEDED = [
    "business_profile.url",
    "external_account",
    "individual.first_name",
    "individual.last_name",
    "tos_acceptance.date",
    "tos_acceptance.ip",
]
LINK_LIVES = 300


class Wish(Struct, frozen=True, forbid_unknown_fields=True):
    requested: bool


class Fees(Struct, frozen=True, forbid_unknown_fields=True):
    payer: Literal["account", "application"]


class Losses(Struct, frozen=True, forbid_unknown_fields=True):
    payments: Literal["application", "stripe"]


class Dashboard(Struct, frozen=True, forbid_unknown_fields=True):
    type: Literal["express", "full", "none"]


class Controller(Struct, frozen=True, forbid_unknown_fields=True):
    fees: Fees = Fees(payer="account")
    losses: Losses = Losses(payments="stripe")
    requirement_collection: Literal["application", "stripe"] = "stripe"
    stripe_dashboard: Dashboard = Dashboard(type="full")


class Profile(Struct, frozen=True, forbid_unknown_fields=True):
    name: str | None = None
    url: str | None = None
    mcc: str | None = None
    product_description: str | None = None


class Update(Params, kw_only=True):
    business_profile: Profile = Profile()
    business_type: Literal["company", "individual", "non_profit", "government_entity"] | None = None
    capabilities: dict[str, Wish] = msgspec.field(default_factory=dict[str, Wish])
    email: str | None = None
    metadata: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    settings: schedules.Settings | None = None


class Create(Update, kw_only=True):
    controller: Controller | None = None
    country: Annotated[str, Meta(pattern=r"^[A-Z]{2}$")] = "US"
    default_currency: str | None = None
    type: Literal["custom", "express", "standard"] | None = None


class Link(Params, kw_only=True):
    account: str
    type: Literal["account_onboarding", "account_update"]
    refresh_url: str | None = None
    return_url: str | None = None


ONBOARDS_AT_ONCE = "onboards_at_once"
"""Whether vendors are taken to have filled in their forms as soon as their account exists."""


class Capability(Params, kw_only=True):
    requested: bool | None = None


def create(call: Call, params: Create) -> Json:
    """A new account; nothing is active until it is onboarded."""
    if params.controller and params.type:
        raise invalid("You may not specify both `type` and `controller`.", param="type")
    fields: Json = {
        "business_profile": _profile(params.business_profile),
        "business_type": params.business_type,
        "capabilities": {name: "inactive" for name, wish in params.capabilities.items() if wish.requested},
        "charges_enabled": False,
        "controller": _controller(params),
        "country": params.country,
        "default_currency": params.default_currency or CURRENCIES.get(params.country, CURRENCY_DEFAULT),
        "details_submitted": False,
        "email": params.email,
        "external_accounts": None,
        "metadata": params.metadata,
        "payouts_enabled": False,
        "requirements": requirements(NEEDED),
        "settings": schedules.initial(),
        "type": params.type or "none",
    }
    account = call.new("account", fields)
    if params.settings:
        schedules.change(call, account, params.settings)
    account["external_accounts"] = listed([], f"/v1/accounts/{account['id']}/external_accounts")
    call.store.put(account)
    return onboard(call, account) if call.store.fact(ONBOARDS_AT_ONCE) else account


def update(call: Call, params: Update) -> Json:
    """Change what a platform may change."""
    account = _need(call)
    for name, wish in params.capabilities.items():
        if wish.requested:
            _request(account, name)
    account["metadata"] |= params.metadata
    account["email"] = params.email or account["email"]
    account["business_profile"] |= {name: value for name, value in _profile(params.business_profile).items() if value is not None}
    if params.settings:
        schedules.change(call, account, params.settings)
    return call.store.put(account)


def onboard(call: Call, account: Json) -> Json:
    """The vendor has given all that was asked: every requested capability becomes active."""
    account |= {"details_submitted": True, "charges_enabled": "card_payments" in account["capabilities"], "payouts_enabled": True}
    account |= {"capabilities": dict.fromkeys(account["capabilities"], "active"), "requirements": requirements([])}
    call.store.put(account)
    call.acting_for(account["id"]).announce("account.updated", account)
    return account


def get(call: Call, params: Params) -> Json:
    """One account."""
    del params
    return _need(call)


def find(call: Call, params: ListParams) -> Json:
    """The platform's accounts, newest first."""
    return page(call, "account", "/v1/accounts", params)


def request(call: Call, params: Capability) -> Json:
    """Ask for a capability; it is active at once where the account is already onboarded."""
    account = _need(call)
    if params.requested:
        _request(account, call.ids[1])
        call.store.put(account)
    return capability(call, params)


def capability(call: Call, params: Params) -> Json:
    """One capability of an account."""
    del params
    account, name = _need(call), call.ids[1]
    if name not in account["capabilities"]:
        raise missing("capability", name, "capability")
    return show_capability(account, name)


def show_capability(account: Json, name: str) -> Json:
    """The capability as an object of its own."""
    return {
        "id": name,
        "object": "capability",
        "account": account["id"],
        "requested": True,
        "requested_at": account["created"],
        "requirements": account["requirements"] | {"disabled_reason": _why(account["requirements"]["disabled_reason"])},
        "status": account["capabilities"][name],
    }


def link(call: Call, params: Link) -> Json:
    """Where a vendor onboards: a page of the sandbox, which says that it is simulated. The newest link is the one that works."""
    account = call.acting_for(PLATFORM).need("account", params.account, "account")
    expires = call.now + LINK_LIVES
    url = hosted.link(call, account, params.return_url, expires)
    call.store.put(account)
    return {"object": "account_link", "created": call.now, "expires_at": expires, "url": url}


def _why(disabled_reason: str | None) -> str | None:
    """The account's reason in the fewer words that Stripe has for a capability's."""
    if disabled_reason is None:
        return None
    return "rejected.other" if disabled_reason.startswith("rejected") else "requirements.fields_needed"


def _need(call: Call) -> Json:
    return call.acting_for(PLATFORM).need("account", call.ids[0], "account")


def _request(account: Json, name: str) -> None:
    account["capabilities"].setdefault(name, "active" if account["details_submitted"] else "inactive")


def _profile(profile: Profile) -> Json:
    return {name: getattr(profile, name) for name in Profile.__struct_fields__}


def _controller(params: Create) -> Json:
    chosen = params.controller or Controller()
    ours = params.type in {"custom", "express"} or chosen.losses.payments == "application"
    return {
        "fees": {"payer": "application_express" if params.type == "express" else chosen.fees.payer},
        "is_controller": True,
        "losses": {"payments": "application" if ours else "stripe"},
        "requirement_collection": chosen.requirement_collection,
        "stripe_dashboard": {"type": chosen.stripe_dashboard.type},
        "type": "application",
    }


def requirements(due: list[str], disabled_reason: str | None = None) -> dict[str, Any]:
    """What an account still owes, and why it is held up."""
    return {
        "alternatives": [],
        "current_deadline": None,
        "currently_due": due,
        "disabled_reason": disabled_reason or ("requirements.past_due" if due else None),
        "errors": [],
        "eventually_due": due,
        "past_due": due,
        "pending_verification": [],
    }
