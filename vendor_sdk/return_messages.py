"""The messages about goods that come back: part of `vendor_sdk.messages`, from where they are imported."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta

from vendor_sdk.documents import Documents
from vendor_sdk.words import Count, Id, Item, Message, Reason, Sku, Text

# Commands: hub to vendor.


class Restock(Message, frozen=True):
    """``stock.restock``: these units of a returned sub-order are good and for sale again."""

    sub_order_id: Id
    return_id: Id
    items: list[Item]


class ReturnItem(Item, frozen=True):
    """Units that the buyer wants to send back, and why: the buyer's `reason` is one of the hub's words."""

    reason: Reason


class Authorize(Message, frozen=True):
    """``returns.authorize``: may the buyer send these units back? `pays_shipping` says who pays the way back."""

    sub_order_id: Id
    return_id: Id
    items: list[ReturnItem]
    pays_shipping: Annotated[str, Meta(pattern=r"^(vendor|buyer)$")]
    answer_by: datetime
    note: Annotated[str, Meta(max_length=1000)] = ""


class Inspect(Message, frozen=True):
    """``returns.inspect``: an authorized return is on its way; what has arrived? Asked again from time to time until it has."""

    sub_order_id: Id
    return_id: Id
    items: list[ReturnItem]
    answer_by: datetime


class Cancel(Message, frozen=True):
    """``returns.cancel``: nothing will come of the return that `authorize_command_id` asked for.

    A cancel for an unknown authorize leaves a tombstone, as a release does.
    """

    sub_order_id: Id
    return_id: Id
    authorize_command_id: Id
    reason: Reason


# Answers and facts: vendor to hub.


class Restocked(Message, frozen=True):
    """``stock.restocked`` answers restock: the vendor's stock counts them, or counts them by itself."""

    sub_order_id: Id


class Authorized(Message, frozen=True, omit_defaults=True):
    """``returns.authorized`` answers authorize, at once or later; `reference` is the vendor's own number of the return.

    `instructions` say where to and how the goods are to be sent, `documents` what the buyer has to print: a ``return_label``.
    The buyer sees all of it.
    """

    sub_order_id: Id
    reference: Annotated[str, Meta(max_length=128)] = ""
    instructions: Text = ""
    documents: Documents = []  # noqa: RUF012  # msgspec copies it


class Inspected(Message, frozen=True):
    """Units of a SKU that came back; what did not come is not named.

    `good` ones are for sale again, `damaged` ones are not, and the buyer gets its money for both. `rejected` ones are not
    taken back, for a `reason`.
    """

    sku: Sku
    good: Count = 0
    damaged: Count = 0
    rejected: Count = 0
    reason: Annotated[str, Meta(max_length=64, pattern=r"^([a-z][a-z0-9_]*)?$")] = ""


class Received(Message, frozen=True):
    """``returns.received`` answers inspect, or is told as a fact about the authorize command: what came back, each SKU once."""

    sub_order_id: Id
    items: Annotated[list[Inspected], Meta(min_length=1, max_length=1_000)]


class Canceled(Message, frozen=True):
    """``returns.canceled`` answers cancel, also when there was nothing to cancel."""

    sub_order_id: Id
