"""What is to be known to place orders, read once for all of them, and locked: their carts, their coupons, and last their stock."""

from collections.abc import Mapping, Sequence

import msgspec

from hub.cart import coupons
from hub.cart import store as carts
from hub.cart.store import Quoted
from hub.checkout.timing import Timing
from hub.inventory import promise
from hub.inventory.promise import Shelf
from hub.kernel.errors import Conflict, NotFound
from hub.liveness.presence import presences
from hub.liveness.rules import Presence
from hub.pricing.quote import Quote
from hub.runtime.database import Tx
from hub.runtime.together import Locked


class Known(msgspec.Struct, frozen=True):
    """As it stands in this transaction; `shelf` and `ordered` go on with each order that is placed."""

    quoted: Mapping[str, Quoted]
    vendors: Mapping[str, Presence]
    shelf: Shelf
    ordered: set[str]
    """Carts that became orders."""

    def quote(self, quote_id: str, customer_id: str) -> Quote:
        """A customer's quote, expired or not. Raises `NotFound` (``unknown_quote``), also for another customer's."""
        found = self.quoted.get(quote_id)
        if found is None or found.customer_id != customer_id:
            raise NotFound("unknown_quote", f"no quote {quote_id}")
        return found.body

    def require_open(self, cart_id: str) -> None:
        """Raises `Conflict` (``cart_ordered``) where the cart has been ordered, or is gone."""
        if cart_id in self.ordered:
            raise Conflict("cart_ordered", "this cart has been ordered")


async def look_up(tx: Tx, timing: Timing, quote_ids: Sequence[str], locked: Locked) -> Known:
    """All that is to be known to make orders of these quotes, whose carts nobody else orders before this transaction has ended."""
    quoted = {each.id: each for each in await carts.quotes_locked(tx, quote_ids)}
    parts = [part for each in quoted.values() for part in each.body.parts]
    offer_ids = {line.offer_id for part in parts for line in part.lines}
    codes = {part.vendor for part in parts}
    await coupons.line_up(tx, (used for each in quoted.values() for used in each.body.coupons))
    return Known(
        quoted=quoted,
        vendors=await presences(tx, timing.watch, codes),
        shelf=await promise.shelf(tx, offer_ids, locked),
        ordered={each.body.cart_id for each in quoted.values() if each.state != "open"},
    )
