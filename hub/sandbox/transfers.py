"""Transfers from the platform to connected accounts, within what was captured or is available."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from hub.sandbox import balance, charges
from hub.sandbox.answers import Json, public, refused
from hub.sandbox.call import Call
from hub.sandbox.forms import Params
from hub.sandbox.lists import ListParams, listed, page
from hub.sandbox.store import PLATFORM


class Create(Params, kw_only=True):
    amount: Annotated[int, Meta(ge=1)]
    currency: Annotated[str, Meta(pattern=r"^[a-zA-Z]{3}$")]
    destination: str
    description: str | None = None
    metadata: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    source_transaction: str | None = None
    source_type: Literal["bank_account", "card", "fpx"] = "card"
    transfer_group: str | None = None


class TransferList(ListParams, kw_only=True):
    destination: str | None = None
    transfer_group: str | None = None


def create(call: Call, params: Create) -> Json:
    """Move money. With a source it may be still pending, and stays so for the account until the source settles."""
    account = call.need("account", params.destination, "destination")
    if account["capabilities"].get("transfers") != "active":
        raise refused(
            "Your destination account needs to have at least one of the following capabilities enabled: transfers, legacy_payments",
            code="insufficient_capabilities_for_transfer",
        )
    currency = params.currency.lower()
    source = call.need("charge", params.source_transaction, "source_transaction") if params.source_transaction else None
    if source is None:
        balance.need_available(call, params.amount, currency)
        available_on = call.now
    else:
        _check_source(call, source, params.amount, currency)
        available_on = max(call.now, call.need("balance_transaction", source["balance_transaction"])["available_on"])
    group = params.transfer_group or (source or {}).get("transfer_group")
    fields: Json = {
        "amount": params.amount,
        "amount_reversed": 0,
        "balance_transaction": None,
        "currency": currency,
        "description": params.description,
        "destination": account["id"],
        "destination_payment": None,
        "metadata": params.metadata,
        "reversed": False,
        "source_transaction": params.source_transaction,
        "source_type": params.source_type,
        "transfer_group": group,
    }
    transfer = call.new("transfer", fields)
    transfer["reversals"] = listed([], f"/v1/transfers/{transfer['id']}/reversals")
    transfer["balance_transaction"] = balance.post(call, "transfer", transfer, -params.amount, available_on=available_on)["id"]
    transfer["destination_payment"] = _payment(call, transfer, available_on)["id"]
    call.store.put(transfer)
    if source is not None and source["transfer_group"] is None:
        call.store.put(source | {"transfer_group": group})
    call.announce("transfer.created", transfer)
    return transfer


def get(call: Call, params: Params) -> Json:
    """One transfer."""
    del params
    return call.need("transfer", call.ids[0])


def find(call: Call, params: TransferList) -> Json:
    """Transfers, newest first."""
    return page(
        call,
        "transfer",
        "/v1/transfers",
        params,
        [("$.destination", "=", params.destination), ("$.transfer_group", "=", params.transfer_group)],
    )


def with_reversals(call: Call, transfer: Json) -> Json:
    """The transfer with its newest reversals inside, as Stripe shows it."""
    found = (
        call.store.find("transfer_reversal", PLATFORM, [("$.transfer", "=", transfer["id"])], limit=10)
        if transfer["amount_reversed"]
        else []
    )
    return transfer | {"reversals": listed([public(reversal) for reversal in found], f"/v1/transfers/{transfer['id']}/reversals")}


def _check_source(call: Call, source: Json, amount: int, currency: str) -> None:
    if not source["captured"]:
        raise refused(f"Charge {source['id']} is not captured and cannot fund a transfer.", param="source_transaction")
    if source["currency"] != currency:
        message = f"The currency of source_transaction ({source['currency']}) must be the same as the transfer currency ({currency})"
        raise refused(message, param="currency")
    # Whether a reversed part may be transferred again is not documented: the stricter reading is simulated.
    used = call.sum(
        "SELECT sum(json_extract(body, '$.amount')) FROM objects WHERE kind = 'transfer' "
        "AND json_extract(body, '$.source_transaction') = ?",
        source["id"],
    )
    if used + amount > source["amount_captured"]:
        limit = source["amount_captured"]
        message = f"Transfers using this transaction as a source must not exceed the source amount of {limit} (already used: {used})."
        raise refused(message, param="amount")


def _payment(call: Call, transfer: Json, available_on: int) -> Json:
    theirs = call.acting_for(transfer["destination"])
    fields = charges.blank(transfer["amount"], transfer["currency"]) | {
        "amount_captured": transfer["amount"],
        "captured": True,
        "source_transfer": transfer["id"],
        "transfer_group": transfer["transfer_group"],
    }
    payment = theirs.new("charge", fields, prefix="py")
    payment["balance_transaction"] = balance.post(theirs, "payment", payment, transfer["amount"], available_on=available_on)["id"]
    theirs.announce("charge.succeeded", payment)
    return call.store.put(payment)
