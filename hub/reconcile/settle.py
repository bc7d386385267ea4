"""Match what moved with what we booked; put into suspense, with an alert, what is still alone after a while."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from hub.ledger import recipes
from hub.ledger import store as ledger
from hub.ledger.recipes import Posting, clearing
from hub.letters.keep import Given, keep
from hub.payments.facts import Movement
from hub.reconcile import known, store
from hub.reconcile.match import Booking, Matching, Mismatch, Orphan, Pair, annulled, match
from hub.reconcile.read import BEGINNING, OVERLAP, Beat
from hub.reconcile.report import ADVICE
from hub.reconcile.store import IN_SUSPENSE, OPEN, SUSPENSE, SUSPENSE_REVERSED, Kept
from hub.runtime.database import Database, Tx

AT_ONCE = 500
"""Movements matched in one transaction."""


async def settle(database: Database, gateway: str, *, old: datetime, beat: Beat) -> None:
    """Match all there is; what is older than `old` and alone, on either side, goes into suspense.

    Each batch is a transaction of its own under the gateway's lock, so it may be ended anywhere and run again or twice at once.
    """
    await _each(database, gateway, None, beat)
    await _each(database, gateway, old, beat)
    after = await _begin(database, gateway)
    while (after := await _settle_bookings(database, gateway, after, old)) is not None:
        await beat()


async def _each(database: Database, gateway: str, old: datetime | None, beat: Beat) -> None:
    after: str | None = ""
    while after is not None:
        async with database.tx() as tx:
            await store.lock(tx, gateway)
            found = await store.unmatched(tx, gateway, after=after, limit=AT_ONCE, before=old)
            matching = await _match(tx, gateway, found)
            if old is None:
                await _agree(tx, gateway, {movement.id: movement for movement in found}, matching)
            else:
                await _suspend(tx, gateway, matching)
        await beat()
        after = found[-1].id if len(found) == AT_ONCE else None


async def _match(tx: Tx, gateway: str, found: Sequence[Kept]) -> Matching:
    names = {name for movement in found for name in (movement.id, movement.source) if name is not None}
    bookings, paired = await store.bookings_named(tx, gateway, names)
    return match(found, bookings, paired)


async def _agree(tx: Tx, gateway: str, kept: dict[str, Kept], matching: Matching) -> None:
    """Note what agrees to the cent, and book what explains itself."""
    pairs = [pair for pair in matching.pairs if pair.problem is None]
    waiting = {movement.id for movement in kept.values() if movement.standing == IN_SUSPENSE}
    corrected = await store.suspended(tx, {pair.booking.id for pair in pairs} | waiting)
    for pair in pairs:
        for cause in {pair.movement.id, pair.booking.id} & corrected:
            await _take_out_of_suspense(tx, gateway, cause)
    matched: list[tuple[str, str | None]] = [(pair.movement.id, pair.booking.id) for pair in pairs]
    for lone in matching.lone:
        movement = kept[lone.movement.id]
        if movement.standing == OPEN and movement.amount == movement.fee == 0:
            matched.append((movement.id, None))
        elif movement.standing == OPEN and lone.problem is Mismatch.UNBOOKED and (written := known.postings(gateway, movement)):
            kind, moves = written
            booked = await ledger.post(tx, kind, cause=movement.id, moves=moves, reference=movement.source)
            matched.append((movement.id, booked))
    await store.set_matched(tx, matched)


async def _suspend(tx: Tx, gateway: str, matching: Matching) -> None:
    """Put into suspense what differs, and movements that nothing of ours stands for."""
    corrected = await store.suspended(tx, {pair.booking.id for pair in matching.pairs})
    for pair in matching.pairs:
        if pair.problem is None:  # it came in the meantime: the next run matches it
            continue
        if pair.booking.id in corrected:
            await _take_out_of_suspense(tx, gateway, pair.booking.id)
        await _put_into_suspense(tx, gateway, pair.movement.id, _lacking(gateway, pair), pair.booking.reference)
        await store.set_in_suspense(tx, pair.movement.id, pair.problem, pair.booking.id)
        await _alert(tx, gateway, pair.problem, pair.movement, pair.booking)
    for lone in matching.lone:
        movement = lone.movement
        moves = recipes.unexplained(gateway, movement.net, movement.currency)
        await _put_into_suspense(tx, gateway, movement.id, moves, movement.source)
        await store.set_in_suspense(tx, movement.id, lone.problem, None)
        await _alert(tx, gateway, lone.problem, movement, None)


async def _begin(database: Database, gateway: str) -> tuple[datetime, str]:
    """Before this every booking is settled."""
    async with database.reading() as tx:
        settled = await store.settled_until(tx, gateway)
    return (BEGINNING if settled is None else settled - OVERLAP, "")


async def _settle_bookings(database: Database, gateway: str, after: tuple[datetime, str], old: datetime) -> tuple[datetime, str] | None:
    """Put bookings that nothing at the provider stands for into suspense; where to go on, or None at the end."""
    async with database.tx() as tx:
        await store.lock(tx, gateway)
        found = await store.unmatched_bookings(tx, gateway, after=after, before=old, limit=AT_ONCE)
        same, paired = await store.bookings_named(tx, gateway, [each.reference for each in found if each.reference is not None])
        undone = annulled({each.id: each for each in [*found, *same] if each.id not in paired}.values())
        for cause in await store.suspended(tx, undone):
            await _take_out_of_suspense(tx, gateway, cause)
        matching = match([], [*found, *(each for each in same if each.id in paired)], paired)
        for orphan in matching.orphans:
            if orphan.booking.id not in undone:
                await _suspend_booking(tx, gateway, orphan)
        if len(found) < AT_ONCE:
            await store.advance_settled(tx, gateway, old)
            return None
    return found[-1].at, found[-1].id


async def _suspend_booking(tx: Tx, gateway: str, orphan: Orphan) -> None:
    booking = orphan.booking
    await _put_into_suspense(tx, gateway, booking.id, recipes.unexplained(gateway, -booking.net, booking.currency), booking.reference)
    await _alert(tx, gateway, orphan.problem, None, booking)


def _lacking(gateway: str, pair: Pair) -> list[Posting]:
    """What brings our books to what the provider says; in two currencies, each of them."""
    moves = recipes.unexplained(gateway, pair.missing, pair.movement.currency)
    if pair.booking.currency != pair.movement.currency:
        moves += recipes.unexplained(gateway, -pair.booking.net, pair.booking.currency)
    return moves


async def _put_into_suspense(tx: Tx, gateway: str, cause: str, moves: list[Posting], reference: str | None) -> None:
    assert all(clearing(gateway) in {move.source, move.destination} for move in moves)
    await ledger.post(tx, SUSPENSE, cause=cause, moves=moves, reference=reference)


async def _take_out_of_suspense(tx: Tx, gateway: str, cause: str) -> None:
    """The explanation has come: the opposite of what was put there."""
    moves = [
        posting
        for currency, net in await store.correction(tx, gateway, SUSPENSE, cause)
        for posting in recipes.unexplained(gateway, -net, currency)
    ]
    await ledger.post(tx, SUSPENSE_REVERSED, cause=cause, moves=moves)


async def _alert(tx: Tx, gateway: str, problem: Mismatch, movement: Movement | None, booking: Booking | None) -> None:
    """Tell an operator, once."""
    side = movement or booking
    assert side is not None
    given = Given(
        source="reconcile",
        identity=f"reconcile:{side.id}",
        target=gateway,
        kind=side.kind,
        reason=problem,
        detail=ADVICE[problem],
        headers={},
        payload=msgspec.json.encode({"movement": movement, "booking": booking}).decode(),
    )
    await keep(tx, given)
