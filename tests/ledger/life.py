"""One order's money from capture to any end, played with the real recipes and pieces alone; checks itself after every step."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import msgspec

from hub.kernel.money import allocate as spread
from hub.kernel.money import basis_points
from hub.ledger import recipes as r
from hub.ledger.recipes import NEVER_NEGATIVE, Funding, Posting, Share
from hub.pricing.piece import Piece, Portion

ORDER = "ord_1"
GATEWAY = "stripe"
CLEARING = r.clearing(GATEWAY)


@dataclass
class Part:
    """One accepted sub-order."""

    number: int
    vendor: str
    pieces: list[Piece]
    transferred: int = 0
    reversed: int = 0
    released: bool = False
    reserve_due: bool = False

    @property
    def id(self) -> str:
        return f"sub_{self.number}"

    @property
    def held(self) -> str:
        return r.held_account(self.vendor, self.id)

    @property
    def reserve(self) -> str:
        return r.reserve_account(self.vendor, self.id)

    @property
    def sold(self) -> Portion:
        return sum((piece.sold for piece in self.pieces), Portion())

    @property
    def returned(self) -> Portion:
        return sum((piece.returned(piece.refunded) for piece in self.pieces), Portion())

    @property
    def left(self) -> int:
        """What the buyer paid for it and has not got back."""
        return self.sold.paid - self.returned.paid

    def share(self, portion: Portion) -> Share:
        return Share(vendor=self.vendor, sub_order_id=self.id, **msgspec.structs.asdict(portion))

    def go_back(self, number: int, refunded: int) -> Portion:
        """Note that so much of a piece has gone back; what that takes from whom."""
        piece = self.pieces[number]
        portion = piece.step(refunded)
        self.pieces[number] = msgspec.structs.replace(piece, refunded=refunded)
        return portion

    def go_back_worth(self, amount: int) -> Portion:
        """`amount` of what the buyer paid, out of as many pieces as it takes."""
        portion = Portion()
        for number, piece in enumerate(self.pieces):
            here = min(amount - portion.paid, piece.paid - piece.returned(piece.refunded).paid)
            if here > 0:
                portion += self.go_back(number, piece.after_amount(here))
        assert portion.paid == amount
        return portion


@dataclass
class Life:
    """`a` and `b` of every act are any numbers: they choose, whatever there is to choose from."""

    parts: list[Part]
    currency: str
    fee: int
    reserve_bps: int
    balances: Counter[str] = field(default_factory=Counter[str])
    captured: int = 0
    refunded: int = 0
    lost: int = 0
    adjusted: Counter[str] = field(default_factory=Counter[str])
    credited: Counter[str] = field(default_factory=Counter[str])
    failed: list[tuple[str, Portion]] = field(default_factory=list[tuple[str, Portion]])
    numbers: int = 0
    played: set[str] = field(default_factory=set[str])

    def book(self, moves: Sequence[Posting]) -> None:
        """As PostgreSQL does: all postings of a transaction together."""
        for move in moves:
            assert move.amount > 0
            assert move.source != move.destination
            assert move.currency == self.currency
            self.balances[move.destination] += move.amount
            self.balances[move.source] -= move.amount
        for move in moves:
            for account in (move.source, move.destination):
                assert self.balances[account] >= 0 or not account.startswith(NEVER_NEGATIVE), f"I6: {account} owes"

    def begin(self) -> None:
        """Captured, and shared out wholly."""
        self.captured = sum(part.sold.paid for part in self.parts)
        self.book(r.capture(GATEWAY, ORDER, self.captured, self.fee, self.currency))
        self.book(r.allocate(ORDER, [part.share(part.sold) for part in self.parts], self.currency))
        assert self.balances[r.order_account(ORDER)] == 0, "I3"

    def play(self, act: str, a: int, b: int) -> None:
        """One act on one part, as far as it makes sense now."""
        part = self.parts[a % len(self.parts)]
        done = ACTS[act](self, part, a // len(self.parts), b)
        if done:
            self.played.add(act)
        self.check()

    def release(self, part: Part, _a: int, _b: int) -> bool:
        if part.released:
            return False
        part.released = True
        left = self.balances[part.held]
        netted = min(left, max(0, -self.balances[r.vendor_account(part.vendor)]))
        reserved = min(left - netted, basis_points(left - netted, self.reserve_bps))
        self.book(r.release(part.held, part.vendor, part.id, netted=netted, reserved=reserved, currency=self.currency))
        part.reserve_due = reserved > 0
        self._send(part, part.held, left - netted - reserved)
        return left > 0

    def release_reserve(self, part: Part, _a: int, _b: int) -> bool:
        if not part.reserve_due:
            return False
        part.reserve_due = False
        left = self.balances[part.reserve]
        netted = min(left, max(0, -self.balances[r.vendor_account(part.vendor)]))
        self.book(r.release(part.reserve, part.vendor, part.id, netted=netted, reserved=0, currency=self.currency))
        self._send(part, part.reserve, left - netted)
        return left > 0

    def _send(self, part: Part, source: str, amount: int) -> None:
        self.book(r.transfer(GATEWAY, source, amount, self.currency))
        part.transferred += amount
        assert self.balances[source] == 0

    def refund_amount(self, part: Part, a: int, b: int) -> bool:
        number = a % len(part.pieces)
        piece = part.pieces[number]
        left = piece.paid - piece.returned(piece.refunded).paid
        if not left:
            return False
        return self._refund(part, part.go_back(number, piece.after_amount(1 + b % left)), b)

    def refund_units(self, part: Part, a: int, b: int) -> bool:
        number = a % len(part.pieces)
        piece = part.pieces[number]
        done = piece.units_back
        if done >= piece.quantity or not piece.gross:
            return False
        return self._refund(part, part.go_back(number, piece.after_units(1 + b % (piece.quantity - done))), b)

    def refund_all(self, part: Part, _a: int, b: int) -> bool:
        if all(piece.refunded == piece.gross for piece in part.pieces):
            return False
        portion = sum((part.go_back(number, piece.gross) for number, piece in enumerate(part.pieces)), Portion())
        return self._refund(part, portion, b)

    def _refund(self, part: Part, portion: Portion, b: int) -> bool:
        """Gathered, then sent; of every seven one is refused, of every five one comes back."""
        self.numbers += 1
        refund = f"ref_{self.numbers}"
        self._gather(part, portion, r.refund_account(refund), b)
        assert self.balances[r.refund_account(refund)] == portion.paid + portion.discount, "I10"
        if b % 7 == 0:
            self.failed.append((refund, portion))
            return True
        self._give_back(refund, portion)
        if b % 5 == 0:
            self.refunded -= portion.paid
            self.book(r.refund_failed(GATEWAY, refund, paid=portion.paid, discount=portion.discount, currency=self.currency))
            self.failed.append((refund, portion))
        return True

    def _give_back(self, refund: str, portion: Portion) -> None:
        self.book(r.refund(GATEWAY, refund, paid=portion.paid, discount=portion.discount, currency=self.currency))
        self.refunded += portion.paid
        assert self.balances[r.refund_account(refund)] == 0

    def retry(self, _part: Part, a: int, b: int) -> bool:
        """A refund that failed is sent again, or paid by hand."""
        if not self.failed:
            return False
        refund, portion = self.failed.pop(a % len(self.failed))
        if b % 2:
            self.book(r.refund_by_hand(refund, paid=portion.paid, discount=portion.discount, currency=self.currency))
        else:
            self._give_back(refund, portion)
        return True

    def _gather(self, part: Part, portion: Portion, destination: str, b: int) -> None:
        assert portion.paid + portion.discount == portion.share + portion.commission + portion.tax, "I10"
        funding = r.fund(
            portion.share,
            held=self.balances[part.held],
            reserve=self.balances[part.reserve],
            reversible=part.transferred - part.reversed,
        )
        assert sum(msgspec.structs.astuple(funding)) == portion.share
        assert min(msgspec.structs.astuple(funding)) >= 0
        self.book(r.gather(part.share(portion), Funding(**msgspec.structs.asdict(funding)), destination, self.currency))
        if b % 3 == 0:
            self.book(r.owe(part.vendor, destination, funding.reversal, self.currency))
        else:
            self.book(r.reverse(GATEWAY, destination, funding.reversal, self.currency))
            part.reversed += funding.reversal

    def dispute(self, _part: Part, a: int, b: int) -> bool:
        """The bank takes all or some of what the buyer has not got back; won, or borne by those vendors that bear disputes."""
        left = self.captured - self.refunded - self.lost - sum(portion.paid for _, portion in self.failed)
        if left <= 0 or any(self.balances[account] < 0 for account in self.balances if account.startswith("dispute:")):
            return False
        taken = left if a % 2 else 1 + b % left
        self.numbers += 1
        dispute = f"dsp_{self.numbers}"
        self.book(r.dispute_taken(GATEWAY, dispute, taken, 20, self.currency))
        if b % 2:
            self.book(r.dispute_returned(GATEWAY, dispute, taken, 20, self.currency))
        else:
            self._lose(dispute, taken, b)
        assert self.balances[r.dispute_account(dispute)] == 0
        return True

    def _lose(self, dispute: str, taken: int, b: int) -> None:
        self.lost += taken
        standing = [part for part in self.parts if part.left]
        shared = spread(min(taken, sum(part.left for part in standing)), [part.left for part in standing]) if standing else []
        ours = taken - sum(shared)
        for part, amount in zip(standing, shared, strict=True):
            if not amount:
                continue
            if (b // 2 + part.number) % 3 == 0:
                ours += amount
                continue
            portion = part.go_back_worth(amount)
            self._gather(part, portion, r.dispute_account(dispute), b // 2)
            self.book(r.disputed(dispute, portion.discount, self.currency))
        self.book(r.lose(dispute, ours, self.currency))

    def adjust(self, part: Part, a: int, b: int) -> bool:
        kind = r.Adjustment.FINE if a % 2 else r.Adjustment.BONUS
        self.book(r.adjust(kind, part.vendor, 1 + b % 1000, self.currency))
        self.adjusted[part.vendor] += (1 + b % 1000) * (-1 if kind is r.Adjustment.FINE else 1)
        return True

    def credit(self, part: Part, _a: int, _b: int) -> bool:
        """What a vendor has with us is paid out."""
        amount = self.balances[r.vendor_account(part.vendor)]
        if amount <= 0:
            return False
        self.numbers += 1
        transfer = f"trf_{self.numbers}"
        self.book(r.credit(part.vendor, transfer, amount, self.currency))
        self.book(r.transfer(GATEWAY, r.held_account(part.vendor, transfer), amount, self.currency))
        self.credited[part.vendor] += amount
        return True

    def check(self) -> None:
        """I1, I3, I5 and who has what, after every act."""
        assert sum(self.balances.values()) == 0, "I1"
        assert self.balances[r.order_account(ORDER)] == 0, "I3"
        assert all(0 <= part.reversed <= part.transferred for part in self.parts), "I5"
        assert self.refunded <= self.captured, "I5"
        sold = sum((part.sold for part in self.parts), Portion())
        back = sum((part.returned for part in self.parts), Portion())
        waiting = sum((portion for _, portion in self.failed), Portion())
        assert self.balances[r.COMMISSION] == sold.commission - back.commission
        assert self.balances[r.TAX] == sold.tax - back.tax
        assert self.balances[r.DISCOUNTS] == back.discount - waiting.discount - sold.discount
        assert sum(self.balances[r.refund_account(refund)] for refund, _ in self.failed) == waiting.paid + waiting.discount
        for vendor in {part.vendor for part in self.parts}:
            own = [part for part in self.parts if part.vendor == vendor]
            here = sum(self.balances[part.held] + self.balances[part.reserve] for part in own) + self.balances[r.vendor_account(vendor)]
            there = sum(part.transferred - part.reversed for part in own) + self.credited[vendor]
            earned = sum(part.sold.share - part.returned.share for part in own) + self.adjusted[vendor]
            assert here + there == earned, "every cent of a vendor is somewhere"


ACTS: dict[str, Callable[[Life, Part, int, int], bool]] = {
    "release": Life.release,
    "release_reserve": Life.release_reserve,
    "refund_amount": Life.refund_amount,
    "refund_units": Life.refund_units,
    "refund_all": Life.refund_all,
    "retry": Life.retry,
    "dispute": Life.dispute,
    "adjust": Life.adjust,
    "credit": Life.credit,
}
