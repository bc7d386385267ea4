"""Everything that the emulated hub knows, as one struct that is saved whole. Moments are unix seconds, money minor units."""

from typing import Any

import msgspec

from vendor_sdk.emulator.returns.model import Return
from vendor_sdk.emulator.states import State

DAY = 86400.0


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """How long the emulated hub waits, in seconds, and what it takes: as a hub does out of the box."""

    reserve: float = 60.0
    acceptance: float = DAY
    ship_by: float = 2 * DAY
    ship: float = 30 * DAY
    deliver_by: float = 5 * DAY
    deliver: float = 60 * DAY
    resend: float = 20.0
    """After a command that was not answered at all; twice as long each time."""
    ask_again: float = 300.0
    """After a "pending"; twice as long each time, up to"""
    ask_again_max: float = 6 * 3600.0
    hold: float = 14 * DAY
    """From delivery until the vendor's share is transferred."""
    payout: float = DAY
    return_window: float = 14 * DAY
    return_authorization: float = 3 * DAY
    return_reception: float = 30 * DAY
    commission_bps: int = 1000
    shipping_price: int = 490


class Offer(msgspec.Struct, kw_only=True):
    """What the vendor sells; `stock` is what is for sale, beside what is promised to orders."""

    id: str
    product_id: str
    variant_id: str
    sku: str
    title: str
    price: int
    currency: str
    stock: int
    shipping_price: int = 0
    state: str = "active"
    version: int = 1


class Line(msgspec.Struct, kw_only=True):
    """Units of one offer; `refunded` is what was given back of what they cost."""

    id: str
    offer_id: str
    sku: str
    title: str
    quantity: int
    unit_price: int
    commission: int = 0
    refunded: int = 0

    @property
    def gross(self) -> int:
        """What the buyer pays for them."""
        return self.unit_price * self.quantity


class Part(msgspec.Struct, kw_only=True):
    """The vendor's part of an order."""

    id: str
    order_id: str
    state: State
    lines: list[Line]
    shipping_price: int
    reason: str | None = None
    shipping_refunded: int = 0
    accept_by: float | None = None
    ship_by: float | None = None
    deliver_by: float | None = None
    delivered_at: float | None = None
    split_from: str | None = None
    parcels: list[dict[str, Any]] = []
    documents: list[dict[str, Any]] = []
    is_paid: bool = False

    @property
    def goods(self) -> int:
        """What the lines cost."""
        return sum(line.gross for line in self.lines)

    @property
    def total(self) -> int:
        """What the buyer pays."""
        return self.goods + self.shipping_price

    @property
    def commission(self) -> int:
        """What the hub takes."""
        return sum(line.commission for line in self.lines)


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What a buyer placed."""

    id: str
    placed_at: float
    ship_to: dict[str, str]


class Step(msgspec.Struct, kw_only=True):
    """A command and what became of it. `is_by_hand`: it waits for the vendor API; `is_parked`: it died, and is decided at its end."""

    id: str
    kind: str
    part_id: str
    body: dict[str, Any]
    due_at: float
    ends_at: float | None = None
    undoes: str = ""
    attempt: int = 0
    pendings: int = 0
    is_by_hand: bool = False
    is_parked: bool = False
    is_overdue: bool = False
    outcome: str = ""

    @property
    def is_open(self) -> bool:
        """Whether it still waits for an answer."""
        return not self.outcome


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """What could not be done, or not be understood."""

    at: float
    kind: str
    reason: str
    detail: str
    command_id: str | None = None
    part_id: str | None = None


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One change of one of the vendor's pots."""

    id: str
    number: int
    at: float
    kind: str
    pot: str
    amount: int
    order_id: str | None
    part_id: str | None
    reference: str | None
    why: str


class Transfer(msgspec.Struct, kw_only=True):
    """A part's share on its way to the vendor's account; `reversed` is what of it was taken back."""

    id: str
    part_id: str
    order_id: str
    due_at: float
    amount: int = 0
    reversed: int = 0
    state: str = "held"


class Refund(msgspec.Struct, frozen=True, kw_only=True):
    """Money that went back to the buyer; `sources` says from which of the vendor's pots its part came."""

    id: str
    order_id: str
    part_id: str
    at: float
    reason: str
    by: str
    items: list[tuple[str, int]]
    paid: int
    commission: int
    sources: dict[str, int]


class Payout(msgspec.Struct, kw_only=True):
    """What went to the vendor's bank."""

    id: str
    amount: int
    created_at: float
    due_at: float
    state: str = "sent"
    by: str = "schedule"
    version: int = 1


class Endpoint(msgspec.Struct, kw_only=True):
    """Where webhooks go."""

    id: str
    url: str
    secret: str
    key_id: str
    created_at: float
    description: str = ""
    types: list[str] = []
    payload: str = "full"
    state: str = "enabled"
    reason: str = ""
    version: int = 1


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt at a delivery."""

    number: int
    at: float
    milliseconds: int
    status: int | None
    error: str
    response: str


class Delivery(msgspec.Struct, kw_only=True):
    """One event for one endpoint."""

    id: str
    event_id: str
    endpoint_id: str
    type: str
    key: str
    position: int
    body: str
    created_at: float
    due_at: float
    state: str = "pending"
    reason: str = ""
    round: int = 0
    ended_at: float | None = None
    attempts: list[Attempt] = []


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened."""

    at: float
    about: str
    event: str
    says: str


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What was answered to an ``Idempotency-Key``."""

    print_: str
    status: int
    body: str
    at: float


class Book(msgspec.Struct, kw_only=True):
    """The whole. `ahead` is how far its clock is before the one on the wall, in seconds."""

    vendor: str
    api_key: str
    currency: str = "EUR"
    ahead: float = 0.0
    last_id: str = ""
    offers: dict[str, Offer] = {}
    orders: dict[str, Order] = {}
    parts: dict[str, Part] = {}
    steps: dict[str, Step] = {}
    heard: set[str] = set()
    letters: list[Letter] = []
    entries: list[Entry] = []
    transfers: dict[str, Transfer] = {}
    refunds: dict[str, Refund] = {}
    returns: dict[str, Return] = {}
    payouts: dict[str, Payout] = {}
    endpoints: dict[str, Endpoint] = {}
    deliveries: dict[str, Delivery] = {}
    keys: dict[str, Kept] = {}
    story: list[Moment] = []

    def parts_of(self, order_id: str) -> list[Part]:
        """The parts of an order, oldest first."""
        return [part for part in self.parts.values() if part.order_id == order_id]

    def returns_of(self, part_id: str) -> list[Return]:
        """The returns of a part, oldest first."""
        return [it for it in self.returns.values() if it.part_id == part_id]

    def steps_of(self, part_id: str) -> list[Step]:
        """What was asked about a part, oldest first."""
        return [step for step in self.steps.values() if step.part_id == part_id]
