"""What customers look at: who looks at the same time is answered from one read."""

from collections.abc import Sequence

from hub.catalog import store as catalog
from hub.kernel.errors import NotFound
from hub.liveness.rules import Watch
from hub.runtime.batch import Batch
from hub.runtime.database import Database
from hub.runtime.pages import Page, page
from hub.runtime.trace import current
from hub.search import find
from hub.search.model import Found, OfferView, ProductView, found

MOST = 64
"""Who is answered from one read."""
LANES = 2
"""Reads side by side: while PostgreSQL does the one, this process writes what the other found."""

Best = dict[str, OfferView]
"""The best offer of each product that has any."""


class ShopWindow:
    """Products and what is offered of them, for one process."""

    def __init__(self, database: Database, watch: Watch) -> None:
        self._database = database
        self._watch = watch
        self._products = Batch[str, ProductView](self._show, most=MOST, lanes=LANES)
        self._best = Batch[Sequence[str], Best](self._best_of, most=MOST, lanes=LANES)

    async def show(self, product_id: str) -> ProductView:
        """A product with its variants and all offers for sale. Raises `NotFound` (``unknown_product``)."""
        return await self._products(product_id)

    async def find(self, words: str, category: str | None, *, after: tuple[float, str] | None, limit: int) -> Page[Found]:
        """A page of products with their best offers, best fit first; who has many words keeps nobody waiting but himself."""
        async with self._database.reading() as tx:
            products = await catalog.search(tx, words, category, after=after, limit=limit + 1)
        cut = page(products, limit, lambda product: (product.rank, product.id))
        best = await self._best([product.id for product in cut.data]) if cut.data else {}
        return Page(data=[found(product, best.get(product.id)) for product in cut.data], next_cursor=cut.next_cursor)

    async def _show(self, product_ids: Sequence[str]) -> Sequence[ProductView | NotFound]:
        current.set(None)  # what is logged here is no asker's own
        async with self._database.reading() as tx:
            shown = await find.show(tx, product_ids, self._watch)
        return [shown.get(each) or NotFound("unknown_product", f"no product {each}") for each in product_ids]

    async def _best_of(self, lists: Sequence[Sequence[str]]) -> Sequence[Best]:
        current.set(None)
        async with self._database.reading() as tx:
            best = await find.best(tx, [each for ids in lists for each in ids], self._watch)
        return [best] * len(lists)
