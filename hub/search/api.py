"""Finding products over HTTP; no key is needed."""

from typing import Annotated

from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from hub.liveness.rules import Watch
from hub.runtime.http import Reading, refuses_public
from hub.runtime.pages import LIMIT, Cursor, Limit, Page, position_of
from hub.search import find
from hub.search.model import Found, ProductView

Words = Annotated[str, QueryParameter(name="q", max_length=200, description='words, "phrases", -not, or; empty for all')]
Category = Annotated[str | None, QueryParameter(name="category", max_length=64)]


class SearchController(Controller):
    """What there is to buy."""

    path = "/v1"
    tags = ["catalog"]  # noqa: RUF012  # litestar's shape

    @get("/search", responses=refuses_public())
    async def search(
        self,
        read: Reading,
        watch: NamedDependency[Watch],
        words: Words = "",
        category: Category = None,
        limit: Limit = LIMIT,
        cursor: Cursor = None,
    ) -> Response[Page[Found]]:
        """Products that have all the words, with their best offers, best fit first."""
        after = position_of(cursor, tuple[float, str])
        return await read(lambda tx: find.find(tx, words, category, watch, after=after, limit=limit))

    @get("/products/{product_id:str}", responses=refuses_public(404))
    async def product(self, product_id: FromPath[str], read: Reading, watch: NamedDependency[Watch]) -> Response[ProductView]:
        """A product with its variants and what vendors offer."""
        return await read(lambda tx: find.show(tx, product_id, watch))
