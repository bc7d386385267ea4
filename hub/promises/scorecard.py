"""Shows how well vendors keep what they promised: each figure with what it is made of, and the orders behind it."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Literal

import msgspec
from sqlalchemy import select

from hub.kernel.errors import Invalid
from hub.kernel.money import Money
from hub.letters.tables import dead_letters
from hub.promises import days, parts
from hub.promises.days import VendorDay
from hub.promises.figures import BEHIND, COUNTS, FIGURES, LETTERS, RATES, Figure, Part, Tally, figures
from hub.promises.suspension import Days
from hub.runtime.database import Tx

Side = Literal["of", "among"]
"""The parts that a rate counts, or those among which it does."""


class ExplainedFigure(Figure, frozen=True, kw_only=True):
    """A figure with what it says; `value` is null where there is nothing to count. It counts `of` so many `among` so many parts."""

    says: str


class Scorecard(msgspec.Struct, frozen=True, kw_only=True):
    """A vendor's figures over the last so many days (UTC), today's included: of the parts that were placed with it then.

    `sold` is what the parts that were shipped sold for, `refunded` what was given back of that. `counting`: something has
    happened that is not counted yet, which is a matter of a minute.
    """

    vendor: str
    days: Days
    since: date
    until: date
    figures: dict[str, ExplainedFigure]
    sold: list[Money]
    refunded: list[Money]
    counting: bool


class OrderBehind(msgspec.Struct, frozen=True, kw_only=True):
    """What stands behind a figure: a part of an order, or a dead letter (`letter_id`), perhaps of an order."""

    order_id: str | None
    sub_order_id: str | None = None
    letter_id: str | None = None
    state: str
    lapse: str | None = None
    routed_at: datetime | None = None
    accepted_at: datetime | None = None
    ship_by: datetime | None = None
    shipped_at: datetime | None = None
    deliver_by: datetime | None = None
    delivered_at: datetime | None = None


async def scorecard(tx: Tx, vendor: str, length: Days) -> Scorecard:
    """One vendor's."""
    now = await tx.now()
    since = parts.first_day(now, length)
    mine = await days.of(tx, [vendor], since)
    letters = await days.letters(tx, parts.first_letter(since), [vendor])
    return _made(vendor, length, now, mine, letters.get(vendor, 0))


async def scorecards(tx: Tx, length: Days) -> list[Scorecard]:
    """Those of all vendors with whom something was placed in that time, or of whom there are letters, by code."""
    now = await tx.now()
    since = parts.first_day(now, length)
    letters = dict(await days.letters(tx, parts.first_letter(since)))
    grouped = {vendor: list(mine) for vendor, mine in groupby(await days.of_all(tx, since), lambda day: day.vendor)}
    known = sorted(grouped.keys() | (letters.keys() - {"@hub"}))
    return [_made(vendor, length, now, grouped.get(vendor, []), letters.get(vendor, 0)) for vendor in known]


def sort(cards: Sequence[Scorecard], by: str, *, descending: bool) -> list[Scorecard]:
    """By a figure; vendors of which it says nothing are the last. Raises `Invalid` (``unknown_figure``)."""
    require_figure(by)

    def key(card: Scorecard) -> tuple[bool, int, str]:
        value = card.figures[by].value
        return value is None, -(value or 0) if descending else value or 0, card.vendor

    return sorted(cards, key=key)


async def behind(  # noqa: PLR0913  # one figure of one vendor, a page of it
    tx: Tx, vendor: str, figure: str, side: Side, length: Days, *, after: str | None, limit: int
) -> list[OrderBehind]:
    """What stands behind a vendor's figure, newest first, those before the id `after`. Raises `Invalid` (``unknown_figure``)."""
    require_figure(figure)
    since = parts.first_day(await tx.now(), length)
    if figure == LETTERS:
        return await _letters(tx, vendor, since, after=after, limit=limit)
    count = RATES[figure].among if figure in RATES and side == "among" else BEHIND[figure]
    found: list[OrderBehind] = []
    for day in await days.of(tx, [vendor], since):
        if (after is None or parts.first_of(parts.begins(day.day)) < after) and (day.stale or day.count(count)):
            found += await _parts(tx, day, count, after=after, limit=limit - len(found))
        if len(found) >= limit:
            break
    return found


def require_figure(name: str) -> None:
    """Raises `Invalid` (``unknown_figure``)."""
    if name not in FIGURES:
        raise Invalid("unknown_figure", f"there is no figure {name}; known: {', '.join(FIGURES)}", field="/figure")


async def _parts(tx: Tx, day: VendorDay, count: str, *, after: str | None, limit: int) -> list[OrderBehind]:
    start = parts.begins(day.day)
    first, last = parts.first_of(start), parts.first_of(start + timedelta(days=1))
    now, found = await tx.now(), list[OrderBehind]()
    async for some in parts.each(tx, day.vendor, first, last if after is None else min(last, after)):
        found += [_behind(part) for part in some if COUNTS[count](part, now)]
        if len(found) >= limit:
            break
    return found[:limit]


async def _letters(tx: Tx, vendor: str, since: date, *, after: str | None, limit: int) -> list[OrderBehind]:
    x = dead_letters.c
    mine = select(x.id, x.saga_id, x.state).where(x.target == vendor, x.state == "open", x.source != days.OURS)
    query = mine.where(x.id >= parts.first_letter(since)).order_by(x.id.desc()).limit(limit)
    rows = await tx.rows(query if after is None else query.where(x.id < after))
    return [OrderBehind(letter_id=row.id, order_id=row.saga_id, state=row.state) for row in rows]


def _made(vendor: str, length: Days, now: datetime, mine: Sequence[VendorDay], letters: int) -> Scorecard:
    counted: Tally = sum(mine, Tally())
    found = figures(counted, letters)
    return Scorecard(
        vendor=vendor,
        days=length,
        since=parts.first_day(now, length),
        until=now.date(),
        figures={name: ExplainedFigure(**msgspec.structs.asdict(figure), says=FIGURES[name]) for name, figure in found.items()},
        sold=_money(counted.sold),
        refunded=_money(counted.refunded),
        counting=any(day.stale for day in mine),
    )


def _money(amounts: Mapping[str, int]) -> list[Money]:
    return [Money(amount=amount, currency=currency) for currency, amount in sorted(amounts.items())]


def _behind(part: Part) -> OrderBehind:
    known = {name: value for name, value in msgspec.structs.asdict(part).items() if name in OrderBehind.__struct_fields__}
    return OrderBehind(sub_order_id=part.id, **known)
