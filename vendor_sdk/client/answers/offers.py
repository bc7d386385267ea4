"""Offers, and what became of many at once."""

import msgspec

from vendor_sdk.client.answers import Answer, Money
from vendor_sdk.client.errors import Details


class Offer(Answer, frozen=True):
    """Your price for a variant; `stock` is what is for sale, beside what is promised to orders."""

    id: str
    product_id: str
    variant_id: str
    sku: str
    title: str
    price: Money
    shipping_price: Money
    state: str
    stock: int
    version: int


class Together(Answer, frozen=True):
    """Offers that were put together, in the order in which they were."""

    data: list[Offer]


class RowResult(Answer, frozen=True):
    """What became of the row at `index`: the `offer`, or the `problem` for which nothing was done."""

    index: int
    status: int
    offer: Offer | None = None
    problem: Details | None = None

    @property
    def current_version(self) -> int | None:
        """The version that it has by now, where the one that was named was not."""
        return self.problem.current_version if self.problem is not None else None

    def after(self, rows: int) -> "RowResult":
        """The same where so many rows went before in other requests."""
        index, problem = self.index + rows, self.problem
        if problem is not None and problem.field is not None:
            field = problem.field.replace(f"/rows/{self.index}", f"/rows/{index}", 1)
            problem = msgspec.structs.replace(problem, field=field)
        return msgspec.structs.replace(self, index=index, problem=problem)


class RowResults(Answer, frozen=True):
    """What became of each row, in their order; `failed` were not done."""

    data: list[RowResult]
    failed: int
