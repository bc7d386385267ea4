"""A piece of a sale (a line, or a part's shipping) and which cent of it is whose, also when some of it is given back.

How much of a piece was given back is one integer: `refunded`, from 0 to `gross`. Every other amount follows from it by a
cumulative floor, never from the size of the single step. So the steps may be cut in any way: each amount only grows, none
ever exceeds its whole, and the last step returns exactly what is left.
"""

import msgspec

from hub.kernel.errors import Invalid


class Portion(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a piece, in minor units: `paid` by the buyer + `discount` borne by us = `share` + `commission` + `tax`."""

    paid: int = 0
    discount: int = 0
    share: int = 0
    commission: int = 0
    tax: int = 0

    def __add__(self, other: "Portion") -> "Portion":
        return Portion(
            paid=self.paid + other.paid,
            discount=self.discount + other.discount,
            share=self.share + other.share,
            commission=self.commission + other.commission,
            tax=self.tax + other.tax,
        )

    def __sub__(self, other: "Portion") -> "Portion":
        return Portion(
            paid=self.paid - other.paid,
            discount=self.discount - other.discount,
            share=self.share - other.share,
            commission=self.commission - other.commission,
            tax=self.tax - other.tax,
        )


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """Frozen at the sale, in minor units.

    `gross` is what the vendor sells it for after the discount it bears itself; `discount` is the part of `gross` that we
    bear. `commission` and `tax` (on the commission) go back with a refund; `kept` and `kept_tax` are commission that we keep
    by rule, whatever becomes of the sale. The vendor's share is what is left of `gross`.
    """

    gross: int
    discount: int = 0
    commission: int = 0
    tax: int = 0
    kept: int = 0
    kept_tax: int = 0
    quantity: int = 1
    refunded: int = 0

    def __post_init__(self) -> None:
        taken = self.commission + self.tax + self.kept + self.kept_tax
        parts = (self.gross, self.discount, self.commission, self.tax, self.kept, self.kept_tax, self.refunded)
        if min(parts) < 0 or max(self.discount, taken, self.refunded) > self.gross or self.quantity < 1:
            raise ValueError(f"no such piece: {self}")

    @property
    def paid(self) -> int:
        """What the buyer pays for it."""
        return self.gross - self.discount

    @property
    def sold(self) -> Portion:
        """Who gets what of the sale."""
        commission, tax = self.commission + self.kept, self.tax + self.kept_tax
        return Portion(paid=self.paid, discount=self.discount, share=self.gross - commission - tax, commission=commission, tax=tax)

    @property
    def units_back(self) -> int:
        """Units whose money has gone back whole, to the cent as `after_units` rounds; a fraction of one is none yet."""
        return min(self.quantity, ((self.refunded + 1) * self.quantity - 1) // self.gross) if self.refunded else 0

    def returned(self, refunded: int) -> Portion:
        """What has gone back once `refunded` of `gross` has: what the vendor gives is the rest, so it bears what we keep."""
        discount = self.discount * refunded // self.gross if self.gross else 0
        both = (self.commission + self.tax) * refunded // self.gross if self.gross else 0
        tax = self.tax * both // (self.commission + self.tax) if both else 0
        return Portion(paid=refunded - discount, discount=discount, share=refunded - both, commission=both - tax, tax=tax)

    def step(self, refunded: int) -> Portion:
        """What goes back on the way from what was refunded before to `refunded`."""
        return self.returned(refunded) - self.returned(self.refunded)

    def after_units(self, units: int) -> int:
        """`refunded` once `units` more have gone back; a fraction of a unit given back before counts toward the next.

        Raises `Invalid` (``too_much``) for more units than are left.
        """
        done = self.units_back
        if not 1 <= units <= self.quantity - done:
            raise Invalid("too_much", f"{self.quantity - done} of {self.quantity} are left to refund", field="quantity")
        return self.gross * (done + units) // self.quantity

    def after_amount(self, amount: int) -> int:
        """`refunded` once the buyer has got `amount` more. Raises `Invalid` (``too_much``) for more than is left."""
        before = self.returned(self.refunded).paid
        if not 1 <= amount <= self.paid - before:
            raise Invalid("too_much", f"{self.paid - before} is left to refund", field="amount")
        wanted = before + amount
        # The least r with r - discount * r // gross == wanted, or the whole: each further unit of gross adds at most one.
        return self.gross if wanted == self.paid else (wanted - 1) * self.gross // self.paid + 1
