"""Finding products over HTTP; no key is needed."""

from typing import Annotated

from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from hub.runtime.http import refuses_public, shown
from hub.runtime.pages import LIMIT, Cursor, Limit, Page, position_of
from hub.search.model import Found, ProductView
from hub.search.window import ShopWindow

Words = Annotated[str, QueryParameter(name="q", max_length=200, description='words, "phrases", -not, or; empty for all')]
Category = Annotated[str | None, QueryParameter(name="category", max_length=64)]


class SearchController(Controller):
    """What there is to buy; it may have been so some seconds ago (`http.copy_seconds`)."""

    path = "/v1"
    tags = ["catalog"]  # noqa: RUF012  # litestar's shape

    @get("/search", cache=True, responses=refuses_public())
    async def search(
        self,
        window: NamedDependency[ShopWindow],
        words: Words = "",
        category: Category = None,
        limit: Limit = LIMIT,
        cursor: Cursor = None,
    ) -> Response[Page[Found]]:
        """Products that have all the words, with their best offers, best fit first."""
        after = position_of(cursor, tuple[float, str])
        return shown(await window.find(words, category, after=after, limit=limit))

    @get("/products/{product_id:str}", cache=True, responses=refuses_public(404))
    async def product(self, product_id: FromPath[str], window: NamedDependency[ShopWindow]) -> Response[ProductView]:
        """A product with its variants and what vendors offer."""
        return shown(await window.show(product_id))
