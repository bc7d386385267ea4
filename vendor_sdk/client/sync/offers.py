"""What you sell: offers and their stock, one by one or by the hundred."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TypeVar

from vendor_sdk.client.answers import Page
from vendor_sdk.client.answers.offers import Offer, RowResult, RowResults, Together
from vendor_sdk.client.call import get, listed, write
from vendor_sdk.client.offered import OfferRow, StockRow, Terms
from vendor_sdk.client.sync.sender import Sender

ROWS_MAX = 500
"""What the hub takes at once."""

Row = TypeVar("Row", OfferRow, StockRow)


class Offers:
    """Offers, by your SKUs."""

    def __init__(self, send: Sender) -> None:
        self._send = send

    def all(self) -> Iterator[Offer]:
        """Each of yours, newest first."""
        return self._send.each(listed(Offer, "offers", limit=100))

    def page(self, *, limit: int = 20, cursor: str | None = None) -> Page[Offer]:
        """A page of the same."""
        return self._send(listed(Offer, "offers", limit=limit, cursor=cursor))

    def get(self, sku: str) -> Offer:
        """One of them."""
        return self._send(get(Offer, "offers", sku))

    def put(self, sku: str, terms: Terms, *, version: int | None = None, key: str | None = None) -> Offer:
        """Put one, new or not. Raises `Conflict` with the current version if it is not at `version` (0: new) any more."""
        return self._send(write(Offer, "PUT", "offers", sku, body=terms, key=key, version=version))

    def count(self, sku: str, stock: int, *, version: int | None = None, key: str | None = None) -> Offer:
        """So many units are for sale, beside what is promised to orders. Raises `Conflict` as `put` does."""
        return self._send(write(Offer, "PUT", "offers", sku, "stock", body={"stock": stock}, key=key, version=version))

    def put_together(self, rows: Sequence[OfferRow], *, key: str | None = None) -> list[Offer]:
        """Put up to 500: all of them or none. Their versions may not be named."""
        return (self._send(write(Together, "POST", "offers", body={"offers": list(rows)}, key=key))).data

    def put_rows(self, rows: Sequence[OfferRow]) -> list[RowResult]:
        """Put any number, each for itself: what became of it is in the result at its index."""
        return self._in_parts("offer-rows", rows)

    def count_rows(self, rows: Sequence[StockRow]) -> list[RowResult]:
        """Say the stock of any number of offers, each for itself: what became of it is in the result at its index."""
        return self._in_parts("stock-rows", rows)

    def _in_parts(self, where: str, rows: Sequence[Row]) -> list[RowResult]:
        results: list[RowResult] = []
        for part in _parts(rows):
            done = self._send(write(RowResults, "POST", where, body={"rows": part}))
            before = len(results)
            results += [result.after(before) for result in done.data]
        return results


def _parts(rows: Sequence[Row]) -> Iterator[list[Row]]:
    left = iter(rows)
    while part := list(islice(left, ROWS_MAX)):
        yield part
