"""The capability ports: what a vendor's system can be asked to do, one class per area."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from datetime import datetime

import msgspec

from vendor_sdk.errors import Unsupported
from vendor_sdk.feeds import Level, Offered, Rate
from vendor_sdk.messages import (
    ANSWERS,
    Accepted,
    Authorize,
    Authorized,
    Cancel,
    Canceled,
    Declined,
    Delivered,
    Inspect,
    Kept,
    Message,
    Pending,
    Recall,
    Recalled,
    Received,
    Refused,
    Release,
    Released,
    Reserve,
    Reserved,
    Restock,
    Restocked,
    Ship,
    Shipped,
    Submit,
    Track,
)

CommandBody = Reserve | Release | Restock | Submit | Recall | Ship | Track | Authorize | Inspect | Cancel
"""Everything a hub may ask."""


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What surrounds one command.

    `command_id` is the idempotency key: the same id is the same wish, however often it is asked; pass it on to the
    vendor's system, or look there for what it did before doing it. `attempt` counts the hub's askings from 1.
    After `deadline` (UTC) nobody waits for the answer any more. `traceparent` is W3C trace context.
    """

    command_id: str
    attempt: int = 1
    deadline: datetime | None = None
    traceparent: str = ""
    correlation_id: str = ""


class Stock(ABC):
    """Setting units aside and giving them back. Errors: any of `vendor_sdk.errors`."""

    @abstractmethod
    async def reserve(self, command: Reserve, context: Context) -> Reserved | Refused:
        """Set all these units aside until `expires_at`, or none and say why.

        Asked twice with one `command_id` it holds the units once. `Rejected` counts as `Refused`.
        """

    @abstractmethod
    async def release(self, command: Release, context: Context) -> Released:
        """Give back what `reserve_command_id` holds; nothing held is a success too, asked twice or never reserved."""

    async def restock(self, command: Restock, context: Context) -> Restocked:
        """Count these units as for sale again: they came back from a buyer in good order. Count them once per `command_id`.

        Without this method nothing is done, which is right for a system that counts what its people put back on the shelf.
        There is no refusing answer: `Rejected` becomes a dead letter.
        """
        del context
        return Restocked(sub_order_id=command.sub_order_id)

    def levels(self) -> AsyncIterator[Level]:
        """All the vendor's counts, read when the schedule says so. An adapter that cannot count leaves this out.

        A count is absolute: the units that new orders could have at that moment. What the vendor holds for us is left out of it,
        from the moment of its answer `Reserved` (of `Accepted`, if it reserves nothing) until it gives the units back; what has
        been sent is gone for good. The hub takes off by itself what it has promised and the vendor has not set aside yet, goes
        never below nothing, and takes no count older than the last. Errors: any of `vendor_sdk.errors`.
        """
        raise Unsupported(f"{type(self).__name__} does not count its stock")


class Orders(ABC):
    """Taking on sub-orders. Errors: any of `vendor_sdk.errors`."""

    @abstractmethod
    async def submit(self, command: Submit, context: Context) -> Accepted | Declined | Pending:
        """Take the whole sub-order on or decline it; nothing leaves the house yet. Money is minor units of `currency`.

        `Pending` means understood, the answer comes later, before `answer_by`: told through `Facts` or, when the hub
        asks the same command again, answered then. A status the adapter does not know is pending, never accepted.
        `Rejected` counts as `Declined`.
        """

    @abstractmethod
    async def recall(self, command: Recall, context: Context) -> Recalled | Kept:
        """Stop the sub-order for good; `Kept` only if the goods have left. An unknown sub-order is `Recalled`."""


class Shipping(ABC):
    """Sending the goods. Errors: any of `vendor_sdk.errors`."""

    @abstractmethod
    async def ship(self, command: Ship, context: Context) -> Shipped | Pending:
        """Send it, once per `command_id`. `Pending` if the tracking number comes later, as for `Orders.submit`.

        `Shipped.documents` are its papers as links (`vendor_sdk.messages.Document`): label, invoice and the like, if there are
        any; the same for the same `command_id`. There is no refusing answer: `Rejected` becomes a dead letter.
        """

    @abstractmethod
    async def track(self, command: Track, context: Context) -> Delivered | Pending:
        """Whether these parcels have arrived; changes nothing. Asked from time to time until they have."""

    async def rates(self) -> Sequence[Rate]:
        """All ways by which the vendor ships, read when the schedule says so. An adapter that cannot read them leaves this out.

        Told ahead: no buyer waits for this call. Prices in minor units, for the parcel; each `code` once, at most
        `vendor_sdk.feeds.RATES_MAX`. They replace what the hub knows; none at all is no news. Buyers keep the price of a quote they
        have, so an order may still name a code that is no longer among them. Errors: any of `vendor_sdk.errors`.
        """
        raise Unsupported(f"{type(self).__name__} does not tell its rates")


class Returns(ABC):
    """Taking goods back. Errors: any of `vendor_sdk.errors`. What is said here moves no money: the hub refunds what was received."""

    @abstractmethod
    async def authorize(self, command: Authorize, context: Context) -> Authorized | Refused | Pending:
        """Let the buyer send these units back, or say why not; asked twice with one `command_id` it is one return.

        `Pending` means that somebody decides later, before `answer_by`, as for `Orders.submit`. What the buyer says of the
        goods is not proven: look at them when they arrive. `Authorized.documents` may be the ``return_label`` that the buyer is to
        print. `Rejected` counts as `Refused`.
        """

    @abstractmethod
    async def inspect(self, command: Inspect, context: Context) -> Received | Pending:
        """What of an authorized return has arrived, and how; changes nothing. Asked from time to time until it has.

        Counted in units of each SKU, never more than the command names: `good`, `damaged`, `rejected` with a reason. `Pending`
        while nothing has arrived or nobody has looked. It may also be told through `Facts`, about the authorize command.
        """

    @abstractmethod
    async def cancel(self, command: Cancel, context: Context) -> Canceled:
        """Expect nothing any more: the buyer keeps the goods. Nothing expected is a success too, asked twice or never authorized."""


class Catalog(ABC):
    """Telling what is sold. Changes are told at once through `Adapter.feeds`. Errors: any of `vendor_sdk.errors`."""

    @abstractmethod
    def full(self) -> AsyncIterator[Offered]:
        """Everything the vendor sells, each SKU once, read when the schedule says so, as of when the reading begins.

        When the hub has all of it, what was not among it is taken off sale. If it raises in the middle nothing is, and it is
        read anew a minute later. A row that is wrong is refused alone: ``GET /v1/vendor/feeds/{id}`` says why.
        """


PORTS: dict[str, type[ABC]] = {"stock": Stock, "orders": Orders, "shipping": Shipping, "returns": Returns}
"""Every capability by the area of its commands."""


def capabilities(adapter: type) -> list[str]:
    """The areas an adapter class serves, read from its bases."""
    return [area for area, port in PORTS.items() if issubclass(adapter, port)]


async def ask(adapter: object, command: CommandBody, context: Context) -> Message:
    """Hand a command to the method that serves it. Raises `Unsupported` if the adapter lacks the capability."""
    match command:
        case Reserve() | Release() | Restock() if isinstance(adapter, Stock):
            return await _ask_stock(adapter, command, context)
        case Submit() if isinstance(adapter, Orders):
            return await adapter.submit(command, context)
        case Recall() if isinstance(adapter, Orders):
            return await adapter.recall(command, context)
        case Ship() if isinstance(adapter, Shipping):
            return await adapter.ship(command, context)
        case Track() if isinstance(adapter, Shipping):
            return await adapter.track(command, context)
        case Authorize() | Inspect() | Cancel() if isinstance(adapter, Returns):
            return await _ask_returns(adapter, command, context)
        case _:
            raise Unsupported(f"{type(adapter).__name__} cannot {type(command).__name__.lower()}")


async def _ask_stock(adapter: Stock, command: Reserve | Release | Restock, context: Context) -> Message:
    match command:
        case Reserve():
            return await adapter.reserve(command, context)
        case Release():
            return await adapter.release(command, context)
        case Restock():
            return await adapter.restock(command, context)


async def _ask_returns(adapter: Returns, command: Authorize | Inspect | Cancel, context: Context) -> Message:
    match command:
        case Authorize():
            return await adapter.authorize(command, context)
        case Inspect():
            return await adapter.inspect(command, context)
        case Cancel():
            return await adapter.cancel(command, context)


def answer_kind(command_kind: str, answer: object) -> str:
    """The event kind of an answer: ``orders.pending`` for a `Pending` to ``orders.submit``. Raises `ValueError` for garbage."""
    kind = f"{command_kind.split('.', maxsplit=1)[0]}.{type(answer).__name__.lower()}"
    if not isinstance(answer, Message) or kind not in ANSWERS[command_kind]:
        raise ValueError(f"{type(answer).__name__} is no answer to {command_kind}")
    return kind


def refusal(command: CommandBody, reason: str, detail: str = "") -> Message | None:
    """How a command says no, if it can: `Refused`, `Declined` or `Kept`; None for the others."""
    match command:
        case Reserve() | Authorize():
            return Refused(sub_order_id=command.sub_order_id, reason=reason, detail=detail[:500])
        case Submit():
            return Declined(sub_order_id=command.sub_order_id, reason=reason, detail=detail[:500])
        case Recall():
            return Kept(sub_order_id=command.sub_order_id, reason=reason)
        case _:
            return None
