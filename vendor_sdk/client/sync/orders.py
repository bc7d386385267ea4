"""What you owe: sub-orders, and what goes back to buyers."""

from collections.abc import Iterator, Mapping, Sequence

from vendor_sdk.client.answers import Page
from vendor_sdk.client.answers.books import Entry
from vendor_sdk.client.answers.orders import Commission, Order, Refund
from vendor_sdk.client.call import get, listed, said, write
from vendor_sdk.client.sync.sender import Sender
from vendor_sdk.messages import Document, Parcel, Shortfall


class Orders:
    """Sub-orders, by their ids."""

    def __init__(self, send: Sender) -> None:
        self._send = send

    def all(self, *, state: str | None = None, due_within: int | None = None) -> Iterator[Order]:
        """Each of yours, newest first: those in `state`, those that wait for you and are promised for the next `due_within` seconds."""
        return self._send.each(listed(Order, "orders", state=state, due_within=due_within, limit=100))

    def page(self, *, state: str | None = None, due_within: int | None = None, limit: int = 20, cursor: str | None = None) -> Page[Order]:
        """A page of the same."""
        return self._send(listed(Order, "orders", state=state, due_within=due_within, limit=limit, cursor=cursor))

    def get(self, order: str) -> Order:
        """One of them."""
        return self._send(get(Order, "orders", order))

    def accept(self, order: str, *, short: Sequence[Shortfall] = (), key: str | None = None) -> Order:
        """Take it on, but for the units in `short`. Raises `Conflict` where that is not awaited any more."""
        return self._send(write(Order, "POST", "orders", order, "accept", body={"short": list(short)}, key=key))

    def decline(self, order: str, reason: str, detail: str = "", *, key: str | None = None) -> Order:
        """Do not take it on; `reason` is a word such as ``out_of_stock``."""
        body = {"reason": reason, "detail": detail}
        return self._send(write(Order, "POST", "orders", order, "decline", body=body, key=key))

    def ship(self, order: str, parcels: Sequence[Parcel], *, documents: Sequence[Document] = (), key: str | None = None) -> Order:
        """It has left, in these boxes, with these papers; its buyer sees an ``invoice`` and ``customs`` papers."""
        body = said(parcels=list(parcels), documents=list(documents) or None)
        return self._send(write(Order, "POST", "orders", order, "shipments", body=body, key=key))

    def deliver(self, order: str, *, key: str | None = None) -> Order:
        """It has arrived."""
        return self._send(write(Order, "POST", "orders", order, "delivery", key=key))

    def stop(self, order: str, *, key: str | None = None) -> Order:
        """Its buyer wants it canceled, and it will not leave."""
        return self._send(write(Order, "POST", "orders", order, "recall", body={"stopped": True}, key=key))

    def keep(self, order: str, reason: str = "already_shipped", *, key: str | None = None) -> Order:
        """Its buyer wants it canceled, and it is too late."""
        body = {"stopped": False, "reason": reason}
        return self._send(write(Order, "POST", "orders", order, "recall", body=body, key=key))

    def refund(self, order: str, reason: str, items: Sequence[Mapping[str, object]] | None = None, *, key: str | None = None) -> Refund:
        """Give money back to its buyer: all that is left, or of `items` (`line_id`, and `quantity` or `amount`)."""
        body = said(reason=reason, items=items)
        return self._send(write(Refund, "POST", "orders", order, "refunds", body=body, key=key))

    def commission(self, order: str) -> Commission:
        """What was taken of it, and why."""
        return self._send(get(Commission, "orders", order, "commission"))

    def ledger(self, order: str) -> list[Entry]:
        """Your money of it, change by change."""
        return self._send(get(list[Entry], "orders", order, "ledger"))


class Refunds:
    """What went back, or was taken by buyers' banks."""

    def __init__(self, send: Sender) -> None:
        self._send = send

    def all(self) -> Iterator[Refund]:
        """Each of yours, newest first."""
        return self._send.each(listed(Refund, "refunds", limit=100))

    def page(self, *, limit: int = 20, cursor: str | None = None) -> Page[Refund]:
        """A page of the same."""
        return self._send(listed(Refund, "refunds", limit=limit, cursor=cursor))
