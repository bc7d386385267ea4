"""How often coupons were used: counted when an order is placed, given back when it falls out whole."""

from collections.abc import Iterable, Sequence

from sqlalchemy import bindparam, delete, func, insert, select, text

from hub.cart.tables import coupon_uses
from hub.kernel.errors import Conflict
from hub.pricing.promotions import Used
from hub.runtime.database import Tx

ONE_BY_ONE = text("SELECT pg_advisory_xact_lock(hashtextextended('coupon ' || code, 0)) FROM unnest(cast(:codes AS text[])) AS code")


_u = coupon_uses.c
_USE = insert(coupon_uses)
_USES = (
    select(_u.code, func.count().label("uses"), func.count().filter(_u.customer_id == bindparam("customer")).label("mine"))
    .where(_u.code.in_(bindparam("codes", expanding=True)))
    .group_by(_u.code)
)
_GIVE_BACK = delete(coupon_uses).where(_u.order_id == bindparam("order"))


async def line_up(tx: Tx, coupons: Iterable[Used]) -> None:
    """Wait for the others who use these coupons, where their uses are limited: in the one order, and before stock is locked."""
    if limited := sorted({coupon.code for coupon in coupons if coupon.is_limited}):
        await tx.execute(ONE_BY_ONE, {"codes": limited})


async def use(tx: Tx, order_id: str, customer_id: str, coupons: Sequence[Used]) -> None:
    """Note that an order uses these coupons, for which it has lined up. Raises `Conflict` (``coupon_used_up``)."""
    await check(tx, customer_id, [("/quote_id", coupon) for coupon in coupons])
    rows = [{"order_id": order_id, "code": coupon.code, "customer_id": customer_id} for coupon in coupons]
    await tx.execute(_USE, rows)


async def check(tx: Tx, customer_id: str, coupons: Sequence[tuple[str, Used]]) -> None:
    """Of fields and their coupons: raises `Conflict` (``coupon_used_up``) for the first that has no use left."""
    limited = [(field, coupon) for field, coupon in coupons if coupon.is_limited]
    if not limited:
        return
    rows = await tx.rows(_USES, {"customer": customer_id, "codes": [coupon.code for _, coupon in limited]})
    found = {row.code: row for row in rows}
    for field, coupon in limited:
        row = found.get(coupon.code)
        if row is not None and coupon.uses is not None and row.uses >= coupon.uses:
            raise Conflict("coupon_used_up", f"{coupon.code} has been used up", field=field, coupon=coupon.code)
        if row is not None and coupon.uses_per_customer is not None and row.mine >= coupon.uses_per_customer:
            raise Conflict("coupon_used_up", f"{coupon.code} has been used by this customer", field=field, coupon=coupon.code)


async def give_back(tx: Tx, order_id: str) -> None:
    """The order has fallen out whole: its coupons may be used again."""
    await tx.execute(_GIVE_BACK, {"order": order_id})
