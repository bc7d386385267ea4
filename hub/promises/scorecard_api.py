"""Scorecards over HTTP: operators see every vendor's, vendors their own, both with what stands behind a figure."""

from typing import Annotated

from litestar import Controller, Response, get
from litestar.params import FromPath, PathParameter, QueryParameter

from hub.kernel.errors import Invalid
from hub.promises import scorecard
from hub.promises.scorecard import OrderBehind, Scorecard, Side
from hub.promises.suspension import PERIODS, Days
from hub.runtime.callers import OPERATORS, VENDORS
from hub.runtime.database import Tx
from hub.runtime.http import BEARER, Reading, refuses
from hub.runtime.pages import LIMIT, Cursor, Limit, Page, page, position_of
from hub.vendors import store as vendors

OfDays = Annotated[int, QueryParameter(name="days", description="7, 30 or 90: over the last so many days, today's included")]
FigureName = Annotated[str, PathParameter(max_length=64, description="a name as it stands in a scorecard")]
OfSide = Annotated[Side, QueryParameter(name="side", description="the parts that a rate counts, or those among which it does")]
SortBy = Annotated[str, QueryParameter(name="sort", max_length=64, description="a figure's name")]
Descending = Annotated[bool, QueryParameter(name="descending")]


class ScorecardController(Controller):
    """How well vendors keep what they promised."""

    path = "/v1/admin"
    tags = ["scorecards"]  # noqa: RUF012  # litestar's shape
    guards = [OPERATORS]  # noqa: RUF012  # litestar's shape
    security = BEARER

    @get("/scorecards", responses=refuses(422))
    async def all(  # the parts of a request
        self,
        read: Reading,
        days: OfDays = 30,
        sort: SortBy = "acceptance_rate",
        descending: Descending = False,  # noqa: FBT002  # litestar's shape
        limit: Limit = LIMIT,
        cursor: Cursor = None,
    ) -> Response[Page[Scorecard]]:
        """The scorecards of all vendors that were sold for, sorted by a figure; those of which it says nothing are the last."""
        length, after = _period(days), position_of(cursor, str)

        async def found(tx: Tx) -> Page[Scorecard]:
            cards = scorecard.sort(await scorecard.scorecards(tx, length), sort, descending=descending)
            start = next((number for number, card in enumerate(cards, 1) if card.vendor == after), 0)
            return page(cards[start : start + limit + 1], limit, lambda card: card.vendor)

        return await read(found)

    @get("/vendors/{code:str}/scorecard", responses=refuses(404, 422))
    async def one(self, code: FromPath[str], read: Reading, days: OfDays = 30) -> Response[Scorecard]:
        """One vendor's scorecard."""
        return await read(lambda tx: _card(tx, code, days))

    @get("/vendors/{code:str}/scorecard/{figure:str}", responses=refuses(404, 422))
    async def behind(  # noqa: PLR0913  # the parts of a request
        self,
        *,
        code: FromPath[str],
        figure: FigureName,
        read: Reading,
        days: OfDays = 30,
        side: OfSide = "of",
        limit: Limit = LIMIT,
        cursor: Cursor = None,
    ) -> Response[Page[OrderBehind]]:
        """The orders behind a figure, newest first."""
        return await read(lambda tx: _behind(tx, code, figure, side=side, days=days, cursor=cursor, limit=limit))


class VendorScorecardController(Controller):
    """How well the vendor keeps what it promised."""

    path = "/v1/vendor/scorecard"
    tags = ["scorecards"]  # noqa: RUF012  # litestar's shape
    guards = [VENDORS]  # noqa: RUF012  # litestar's shape
    security = BEARER

    @get("", responses=refuses(422))
    async def mine(self, read: Reading, days: OfDays = 30) -> Response[Scorecard]:
        """The vendor's own scorecard."""
        return await read(lambda tx: _card(tx, read.actor.id, days))

    @get("/{figure:str}", responses=refuses(422))
    async def behind(  # the parts of a request
        self, figure: FigureName, read: Reading, days: OfDays = 30, side: OfSide = "of", limit: Limit = LIMIT, cursor: Cursor = None
    ) -> Response[Page[OrderBehind]]:
        """The orders behind a figure, newest first."""
        return await read(lambda tx: _behind(tx, read.actor.id, figure, side=side, days=days, cursor=cursor, limit=limit))


def _period(days: int) -> Days:
    for length in PERIODS:
        if length == days:
            return length
    raise Invalid("unknown_period", f"figures are of {', '.join(map(str, PERIODS))} days", field="/days")


async def _card(tx: Tx, code: str, days: int) -> Scorecard:
    length = _period(days)
    await vendors.get(tx, code)
    return await scorecard.scorecard(tx, code, length)


async def _behind(  # noqa: PLR0913  # one figure of one vendor, a page of it
    tx: Tx, code: str, figure: str, *, side: Side, days: int, cursor: str | None, limit: int
) -> Page[OrderBehind]:
    length = _period(days)
    await vendors.get(tx, code)
    found = await scorecard.behind(tx, code, figure, side, length, after=position_of(cursor, str), limit=limit + 1)
    return page(found, limit, lambda each: each.sub_order_id or each.letter_id or "")
