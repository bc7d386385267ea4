"""Offers and their stock over HTTP, for vendors; the vendor is the key's, never the request's."""

from typing import Annotated

from litestar import Controller, Response, get, post, put
from litestar.params import JSONBody, PathParameter

from hub.catalog.model import OfferTerms
from hub.inventory import offers
from hub.inventory.offers import Counted, NewOffers, VendorOffer, VendorOffers
from hub.inventory.rows import RowResults, Rows, put_offer_rows, put_stock_rows
from hub.runtime.callers import VENDORS
from hub.runtime.database import Tx
from hub.runtime.http import BEARER, IfMatch, Reading, Writing, refuses, refuses_write
from hub.runtime.pages import LIMIT, Cursor, Limit, Page, page, position_of
from vendor_sdk.messages import Sku

SkuInPath = Annotated[Sku, PathParameter()]


class VendorOfferController(Controller):
    """What a vendor sells."""

    path = "/v1/vendor/offers"
    tags = ["offers (vendors)"]  # noqa: RUF012  # litestar's shape
    guards = [VENDORS]  # noqa: RUF012  # litestar's shape
    security = BEARER

    @put("/{sku:str}", responses=refuses_write(404, 412))
    async def put_one(self, sku: SkuInPath, data: JSONBody[OfferTerms], write: Writing, if_match: IfMatch = None) -> Response[VendorOffer]:
        """Put an offer: its product, price and stock."""
        return await write(lambda tx: offers.put_one(tx, write.actor.id, sku, data, if_match))

    @put("/{sku:str}/stock", responses=refuses_write(404, 412))
    async def count(self, sku: SkuInPath, data: JSONBody[Counted], write: Writing, if_match: IfMatch = None) -> Response[VendorOffer]:
        """Say how many units of an offer are for sale."""
        return await write(lambda tx: offers.count_one(tx, write.actor.id, sku, data.stock, if_match))

    @post("", status_code=200, responses=refuses_write(404))
    async def put_many(self, data: JSONBody[NewOffers], write: Writing) -> Response[VendorOffers]:
        """Put many offers at once: all of them or none."""
        return await write(lambda tx: offers.put_many(tx, write.actor.id, data.offers))

    @get("", responses=refuses())
    async def browse(self, read: Reading, limit: Limit = LIMIT, cursor: Cursor = None) -> Response[Page[VendorOffer]]:
        """The vendor's offers, newest first."""
        after = position_of(cursor, str)

        async def found(tx: Tx) -> Page[VendorOffer]:
            return page(await offers.browse(tx, read.actor.id, after=after, limit=limit + 1), limit, lambda offer: offer.id)

        return await read(found)

    @get("/{sku:str}", responses=refuses(404))
    async def one(self, sku: SkuInPath, read: Reading) -> Response[VendorOffer]:
        """One of the vendor's offers."""
        return await read(lambda tx: offers.one(tx, read.actor.id, sku))


class VendorRowController(Controller):
    """Many offers at once, each for itself."""

    path = "/v1/vendor"
    tags = ["offers (vendors)"]  # noqa: RUF012  # litestar's shape
    guards = [VENDORS]  # noqa: RUF012  # litestar's shape
    security = BEARER

    @post("/offer-rows", status_code=200, responses=refuses_write())
    async def put_offers(self, data: JSONBody[Rows], write: Writing) -> Response[RowResults]:
        """Put many offers, each row (an `OfferRow`) for itself: what became of it is told row by row."""
        return await write(lambda tx: put_offer_rows(tx, write.actor.id, data.rows))

    @post("/stock-rows", status_code=200, responses=refuses_write())
    async def put_stock(self, data: JSONBody[Rows], write: Writing) -> Response[RowResults]:
        """Say how many units of many offers are for sale, each row (``{"sku": …, "stock": …, "version": …}``) for itself."""
        return await write(lambda tx: put_stock_rows(tx, write.actor.id, data.rows))
