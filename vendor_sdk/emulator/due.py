"""What the hub does when its time has come: send and ask again, give up waiting, move money on (pure)."""

from collections.abc import Collection, Iterator

from vendor_sdk.emulator import asks, conclude, course, money
from vendor_sdk.emulator.model import Book, Part, Step
from vendor_sdk.emulator.returns.receive import give_back, is_to_be_refunded
from vendor_sdk.emulator.states import State
from vendor_sdk.emulator.turn import Turn

RESEND_MAX = 3600.0
AT_ONCE = 0.0


def do_due(turn: Turn, carried: Collection[str]) -> list[Step]:
    """Everything that is due; the steps that are to be sent now. What is still being `carried` to the vendor is not sent again."""
    for step in list(turn.book.steps.values()):
        if step.is_open and step.ends_at is not None and step.ends_at <= turn.now:
            conclude.overdue(turn, step)
        elif step.is_open and (by := promised(turn.book.parts[step.part_id], step)) is not None and by <= turn.now:
            conclude.ring(turn, step, by)
    for part in list(turn.book.parts.values()):
        if is_to_be_charged(part):
            course.captured(turn, part)
    for it in turn.book.returns.values():
        if is_to_be_refunded(it):
            give_back(turn, it)
    _move_money(turn)
    return [step for step in turn.book.steps.values() if _is_sent(turn, step, carried)]


def next_due(book: Book) -> float | None:
    """When something will be due."""
    return min(_moments(book), default=None)


def is_to_be_charged(part: Part) -> bool:
    """Whether the buyer's money is to be taken now."""
    return part.state is State.ACCEPTED and not part.is_paid


def promised(part: Part, step: Step) -> float | None:
    """By when the vendor promised to have done what is asked, if it was not told yet that it is late."""
    if step.is_overdue:
        return None
    return part.ship_by if step.kind == asks.SHIP else part.deliver_by if step.kind == asks.TRACK else None


def _is_sent(turn: Turn, step: Step, carried: Collection[str]) -> bool:
    if not _waits(step) or step.due_at > turn.now:
        return False
    pause = min(turn.terms.resend * 2.0 ** min(step.attempt, 20), RESEND_MAX)
    step.due_at = turn.now + pause
    if step.id in carried:
        return False
    step.attempt += 1
    again = f" (attempt {step.attempt})" if step.attempt > 1 else ""
    turn.note(step.part_id, "step.send", f"the vendor is asked: {step.kind}{again}")
    return True


def _waits(step: Step) -> bool:
    return step.is_open and not step.is_by_hand and not step.is_parked


def _move_money(turn: Turn) -> None:
    for transfer in list(turn.book.transfers.values()):
        if transfer.state == "held" and transfer.due_at <= turn.now:
            money.release(turn, transfer)
            part = turn.book.parts[transfer.part_id]
            if part.state is State.DELIVERED:
                course.advance(turn, part, "settle")
            if (amount := money.available(turn)) > 0:
                money.pay_out(turn, amount, "schedule")
    for payout in turn.book.payouts.values():
        if payout.state == "sent" and payout.due_at <= turn.now:
            money.arrive(turn, payout)


def _moments(book: Book) -> Iterator[float]:
    yield from (AT_ONCE for part in book.parts.values() if is_to_be_charged(part))
    yield from (AT_ONCE for it in book.returns.values() if is_to_be_refunded(it))
    for step in book.steps.values():
        if step.is_open and step.ends_at is not None:
            yield step.ends_at
        if _waits(step):
            yield step.due_at
        if step.is_open and (by := promised(book.parts[step.part_id], step)) is not None:
            yield by
    yield from (transfer.due_at for transfer in book.transfers.values() if transfer.state == "held")
    yield from (payout.due_at for payout in book.payouts.values() if payout.state == "sent")
