"""The vendor's money: its share held at the sale, transferred after the hold, paid out after that; each change an entry."""

from decimal import Decimal

from vendor_sdk.emulator.model import Entry, Part, Payout, Transfer
from vendor_sdk.emulator.tell import tell
from vendor_sdk.emulator.turn import Turn

DECIMALS_DEFAULT = 2
DECIMALS: dict[str, int] = {
    **dict.fromkeys("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split(), 0),  # noqa: SIM905  # reads better
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),  # noqa: SIM905  # reads better
}
"""Digits after the point where they are not two, as the hub counts them."""


def capture(turn: Turn, part: Part) -> None:
    """The buyer's money is taken: the vendor's share is held for it."""
    part.is_paid = True
    turn.note(
        part.id, "payment.capture", f"the buyer is charged {show(turn, part.total)}, of which {show(turn, part.commission)} is commission"
    )
    post(turn, "capture", "held", part.total - part.commission, part, why="your share of a sale, after commission and the tax on it")


def hold(turn: Turn, part: Part) -> None:
    """It has arrived: from now on the share is held for so long."""
    transfer = Transfer(id=turn.new_id("trf"), part_id=part.id, order_id=part.order_id, due_at=turn.now + turn.terms.hold)
    turn.book.transfers[transfer.id] = transfer


def lies(turn: Turn, pot: str, part_id: str | None = None) -> int:
    """What is in a pot, of a part or in all."""
    return sum(entry.amount for entry in turn.book.entries if entry.pot == pot and part_id in {None, entry.part_id})


def release(turn: Turn, transfer: Transfer) -> None:
    """The hold is over: what is left of the share goes to the vendor's account, less what it owes."""
    part = turn.book.parts[transfer.part_id]
    held = lies(turn, "held", part.id)
    owed = min(held, max(0, -lies(turn, "due")))
    if owed:
        post(turn, "net", "held", -owed, part, why="set against what you owed")
        post(turn, "net", "due", owed, part, why="set against what you owed")
    transfer.amount = held - owed
    transfer.state = "transferred" if transfer.amount else "empty"
    if not transfer.amount:
        turn.note(part.id, "transfer.empty", "nothing is left of the share to be transferred")
        return
    post(turn, "transfer", "held", -transfer.amount, part, why="transferred to your account", reference=transfer.id)
    post(turn, "transfer", "transferred", transfer.amount, part, why="transferred to your account", reference=transfer.id)
    turn.note(part.id, "transfer.sent", f"{show(turn, transfer.amount)} is transferred to the vendor's account")
    thin = {"id": transfer.id, "state": "transferred", "reason": "", "order_id": part.order_id, "sub_order_id": part.id}
    full = {"id": transfer.id, "kind": "share", "amount": {"amount": transfer.amount, "currency": turn.book.currency}}
    tell(turn, "transfer.sent", part.id, thin, full)


def available(turn: Turn) -> int:
    """What is in the vendor's account and not on its way to the bank; below zero after refunds of what was paid out."""
    return lies(turn, "transferred") - sum(payout.amount for payout in turn.book.payouts.values())


def pay_out(turn: Turn, amount: int, by: str) -> Payout:
    """Send so much to the bank, where it arrives a day later."""
    payout = Payout(id=turn.new_id("pyt"), amount=amount, created_at=turn.now, due_at=turn.now + turn.terms.payout, by=by)
    turn.book.payouts[payout.id] = payout
    turn.note(payout.id, "payout.sent", f"{show(turn, amount)} is on its way to the vendor's bank")
    return payout


def arrive(turn: Turn, payout: Payout) -> None:
    """It is at the bank."""
    payout.state = "paid"
    payout.version += 1
    turn.note(payout.id, "payout.paid", f"{show(turn, payout.amount)} has arrived at the vendor's bank")
    full = {"id": payout.id, "state": "paid", "amount": {"amount": payout.amount, "currency": turn.book.currency}}
    tell(turn, "payout.paid", payout.id, {"id": payout.id, "state": "paid", "reason": ""}, full)


def post(  # noqa: PLR0913  # an entry's parts
    turn: Turn, kind: str, pot: str, amount: int, part: Part, *, why: str, reference: str | None = None
) -> None:
    """Change a pot by `amount`; nothing where that is zero."""
    if amount:
        entries = turn.book.entries
        entries.append(
            Entry(
                id=turn.new_id("txn"),
                number=len(entries) + 1,
                at=turn.now,
                kind=kind,
                pot=pot,
                amount=amount,
                order_id=part.order_id,
                part_id=part.id,
                reference=reference,
                why=why,
            )
        )


def decimals(currency: str) -> int:
    """Digits after the point."""
    return DECIMALS.get(currency, DECIMALS_DEFAULT)


def show(turn: Turn, amount: int) -> str:
    """An amount for people: ``12.90 EUR``."""
    places = decimals(turn.book.currency)
    return f"{Decimal(amount).scaleb(-places):.{places}f} {turn.book.currency}"
