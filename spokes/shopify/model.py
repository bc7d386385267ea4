"""What we read of the shop's answers, in its own names."""

from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")


class Wire(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Base of what is read; other fields are let be."""


class Nodes(Wire, Generic[T], frozen=True, kw_only=True):
    """A connection."""

    nodes: list[T]


class InventoryQuantity(Wire, frozen=True, kw_only=True):
    """Units in one state."""

    quantity: int


class InventoryLevel(Wire, frozen=True, kw_only=True):
    """An item at our location."""

    quantities: list[InventoryQuantity]


class InventoryItem(Wire, frozen=True, kw_only=True):
    """What is counted; `inventory_level` is None where the location does not have it."""

    id: str
    tracked: bool
    inventory_level: InventoryLevel | None = None


class Variant(Wire, frozen=True, kw_only=True):
    """What is sold."""

    id: str
    sku: str | None = None
    inventory_item: InventoryItem


class TrackingInfo(Wire, frozen=True, kw_only=True):
    """One parcel."""

    company: str | None = None
    number: str | None = None


class Fulfillment(Wire, frozen=True, kw_only=True):
    """Something that was sent."""

    status: str
    display_status: str | None = None
    tracking_info: list[TrackingInfo] = []


class Order(Wire, frozen=True, kw_only=True):
    """An order of the shop."""

    id: str
    name: str
    cancelled_at: str | None = None
    can_mark_as_paid: bool = False
    display_fulfillment_status: str
    fulfillments: list[Fulfillment] = []


class UserError(Wire, frozen=True, kw_only=True):
    """Why a mutation was not done."""

    message: str
    code: str | None = None
    field: list[str] | None = None


class Done(Wire, frozen=True, kw_only=True):
    """What a mutation answers."""

    order: Order | None = None
    user_errors: list[UserError] = []
    order_cancel_user_errors: list[UserError] = []

    @property
    def errors(self) -> list[UserError]:
        """Whatever was wrong."""
        return [*self.user_errors, *self.order_cancel_user_errors]


class ThrottleStatus(Wire, frozen=True, kw_only=True):
    """The bucket of query costs."""

    currently_available: float = 0.0
    restore_rate: float = 0.0


class Cost(Wire, frozen=True, kw_only=True):
    """What a query costs."""

    requested_query_cost: float = 0.0
    throttle_status: ThrottleStatus = ThrottleStatus()


class Extensions(Wire, frozen=True, kw_only=True):
    """Beside the data."""

    cost: Cost = Cost()


class ErrorExtensions(Wire, frozen=True, kw_only=True):
    """What kind of error."""

    code: str = ""


class GraphQLError(Wire, frozen=True, kw_only=True):
    """Why a query was not run."""

    message: str
    extensions: ErrorExtensions = ErrorExtensions()


class Reply(Wire, frozen=True, kw_only=True):
    """Every answer's outside."""

    data: msgspec.Raw = msgspec.Raw(b"null")
    errors: list[GraphQLError] | None = None
    extensions: Extensions = Extensions()
