"""The switches of the dummy vendor: what it has in stock, how fast it is, and how it fails."""

import hashlib
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from vendor_sdk.messages import Reason, Text

Seconds = Annotated[float, Meta(ge=0, le=86400 * 30)]


class Do(StrEnum):
    """What a fault does. The upper ones happen instead of the work, the lower ones after it."""

    REFUSE = "refuse"
    """Say no as the command can: refused, declined, kept."""
    PEND = "pend"
    """Answer pending and never come back to it."""
    SILENCE = "silence"
    """Never answer the call."""
    SLOW = "slow"
    """Wait `seconds`, then work."""
    RETRY = "retry"
    """Fail as a busy system does; with `seconds` as its Retry-After."""
    REJECTED = "rejected"
    UNSUPPORTED = "unsupported"
    MISCONFIGURED = "misconfigured"
    NEEDS_REAUTH = "needs_reauth"
    BUG = "bug"
    """Raise what no adapter may raise."""
    CRASH = "crash"
    """End the process before the work."""

    CRASH_AFTER = "crash_after"
    """End the process after the work, before the answer."""
    UNHEARD = "unheard"
    """Work, and never answer the call."""
    GARBAGE = "garbage"
    """Answer with something that is no answer."""
    TWICE = "twice"
    """Answer, and tell the same again a moment later."""


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One way to fail. It strikes commands of kind `on` (``stock.reserve``, or ``*``) that name `sku` (empty: any).

    `probability` decides per command, the same each time it is asked; `times` bounds how often it strikes in all,
    or with `each` how often it strikes each command. The first fault that strikes wins.
    """

    do: Do
    on: str = "*"
    sku: str = ""
    probability: Annotated[float, Meta(ge=0, le=1)] = 1.0
    times: Annotated[int, Meta(ge=1)] | None = None
    each: bool = False
    seconds: Seconds = 0.0
    reason: Reason = "out_of_stock"
    detail: Text = ""

    def concerns(self, kind: str, command_id: str, skus: Iterable[str]) -> bool:
        """Whether it may strike this command; its count aside."""
        if self.on not in {"*", kind} or (self.sku and self.sku not in skus):
            return False
        digest = hashlib.sha256(f"{self.do}.{self.on}.{self.sku}.{command_id}".encode()).digest()
        return int.from_bytes(digest[:7]) < self.probability * (1 << 56)


class OnShelf(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the dummy sells under one SKU; `price` in minor units."""

    price: int
    currency: str = "EUR"
    title: str = "Dummy goods"
    category: str = "dummy"


class Way(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A way by which the dummy ships; `price` in minor units."""

    code: str
    name: str
    price: int
    currency: str = "EUR"
    days: int = 3


class Switches(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The dummy's settings; times in seconds.

    `stock` holds units per SKU, a SKU not named is never short; `catalog` is what it tells to be for
    sale, with that stock, and `rates` the ways by which it tells to ship. Of a SKU in `at_most` an order gets no more than so many units,
    the rest of it is not accepted. With `accept_after` a submit is pending for so long.
    Goods leave `ship_after` a ship command and arrive `deliver_after` later (None: never). `push` says whether later
    facts are told by the vendor, or found only when the hub asks again. A `forgetful` system has no idempotency keys.
    With `papers`, the address of a folder, shipments have a label and an invoice there, and returns a label.
    What may come back is back `return_after` its authorization (None: never), so many units of a SKU `damaged`.
    """

    stock: dict[str, Annotated[int, Meta(ge=0)]] = {}
    catalog: dict[str, OnShelf] = {}
    rates: list[Way] = []
    at_most: dict[str, Annotated[int, Meta(ge=0)]] = {}
    accept_after: Seconds = 0.0
    ship_after: Seconds = 0.0
    deliver_after: Seconds | None = 1.0
    return_after: Seconds | None = 1.0
    damaged: dict[str, Annotated[int, Meta(ge=0)]] = {}
    push: bool = True
    forgetful: bool = False
    papers: str = ""
    carrier: Annotated[str, Meta(min_length=1, max_length=64)] = "Dummy Post"
    faults: list[Fault] = []
