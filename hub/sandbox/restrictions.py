"""What Stripe may do to a connected account: capabilities taken away, restricted, rejected, closed."""

from typing import Literal

from hub.sandbox import accounts
from hub.sandbox.answers import Json, invalid, refused
from hub.sandbox.call import Call
from hub.sandbox.forms import Params
from hub.sandbox.store import PLATFORM

Status = Literal["active", "inactive", "pending"]


class Reject(Params, kw_only=True):
    reason: Literal[
        "credit",
        "fraud_no_intent_to_fulfill",
        "fraud_other",
        "fraud_payment_method_casher",
        "fraud_payment_method_tester",
        "other",
        "terms_of_service",
    ]


def set_capabilities(call: Call, account: Json, statuses: dict[str, Status]) -> Json:
    """Give or take capabilities, as a review would (a switch of the sandbox, not of Stripe)."""
    unknown = statuses.keys() - account["capabilities"].keys()
    if unknown:
        raise invalid(f"The account did not ask for {', '.join(sorted(unknown))}.", param="capabilities")
    account["capabilities"] |= statuses
    held_up = [] if set(account["capabilities"].values()) == {"active"} else ["individual.verification.document"]
    account["requirements"] = accounts.requirements(held_up)
    account["charges_enabled"] = account["capabilities"].get("card_payments") == "active"
    return _told(call, account, list(statuses))


def needs_funds(call: Call, account: Json) -> Json:
    """No reversal takes this account below zero from now on, whoever bears its losses: its vendor's money is gone."""
    return call.store.put(account | {"_needs_funds": True})


def restrict(call: Call, account: Json, reason: str = "requirements.past_due") -> Json:
    """Nothing works any more: no charges, no transfers, no payouts."""
    account |= {"charges_enabled": False, "payouts_enabled": False}
    account["capabilities"] = dict.fromkeys(account["capabilities"], "inactive")
    account["requirements"] = accounts.requirements(["individual.verification.document"], reason)
    return _told(call, account, list(account["capabilities"]))


def reject(call: Call, params: Reject) -> Json:
    """The platform wants nothing more to do with this account."""
    kind = params.reason.split("_")[0]
    reason = {"fraud": "rejected.fraud", "terms": "rejected.terms_of_service"}.get(kind, "rejected.other")
    return restrict(call, _need(call), reason)


def close(call: Call, params: Params) -> Json:
    """Close the account. Refused while it has money or owes any."""
    del params
    account = _need(call)
    owed = call.store.db.execute(
        "SELECT json_extract(body, '$.currency') FROM objects WHERE kind = 'balance_transaction' AND owner = ? "
        "GROUP BY 1 HAVING sum(json_extract(body, '$.net')) != 0",
        (account["id"],),
    ).fetchall()
    if owed:
        raise refused("You cannot close this account: it has a balance that is not zero.", code="account_invalid")
    call.store.remove(account["id"])
    application: Json = {"id": "ca_sandbox", "object": "application", "name": "SIMULATED platform"}
    call.acting_for(account["id"]).announce("account.application.deauthorized", application)
    return {"id": account["id"], "object": "account", "deleted": True}


def _told(call: Call, account: Json, names: list[str]) -> Json:
    call.store.put(account)
    theirs = call.acting_for(account["id"])
    for name in names:
        theirs.announce("capability.updated", accounts.show_capability(account, name))
    theirs.announce("account.updated", account)
    return account


def _need(call: Call) -> Json:
    return call.acting_for(PLATFORM).need("account", call.ids[0], "account")
