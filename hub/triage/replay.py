"""Sends one dead letter again: the same command, event or payment once more, never a second one in effect."""

from collections.abc import Awaitable, Callable, Mapping

import msgspec

from hub.checkout.hear import Foreign, Heard, hear_in
from hub.checkout.timing import Timing
from hub.fulfillment.reserve import RELEASE
from hub.fulfillment.route import RECALL
from hub.fulfillment.ship import SHIP, TRACK
from hub.kernel.errors import Conflict, Invalid
from hub.letters import store
from hub.letters.states import LetterEvent, LetterState
from hub.letters.store import Letter
from hub.orders import store as orders
from hub.orders.states import SubOrderState
from hub.refunds import send
from hub.refunds import store as refunds
from hub.refunds.states import RefundState
from hub.returns.answer import ON as OF_RETURNS
from hub.returns.rules import ARRIVED
from hub.runtime import audit, revive, steps
from hub.runtime.database import Tx
from hub.runtime.steps import HUB_TARGET, Step, StepState, Verdict
from hub.triage import quarantine
from hub.webhooks import store as provider_events
from vendor_sdk import messages, subjects

_AT: Mapping[str, frozenset[SubOrderState]] = {
    SHIP: frozenset({SubOrderState.ACCEPTED}),
    TRACK: frozenset({SubOrderState.SHIPPED}),
    RECALL: frozenset({SubOrderState.RECALLING}),
    RELEASE: frozenset(SubOrderState),
    **dict.fromkeys(OF_RETURNS, ARRIVED),
}
"""Where a part has to stand for its vendor's dead command to make sense still."""

BY_HAND = "somebody has to look at it; when it is settled, discard it as done by hand"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Why a letter is to be replayed; `version` is the one that was seen, `target` whose it has to be, `rule` whether no person asks."""

    why: str
    version: int | None = None
    target: str | None = None
    rule: bool = False


async def replay(tx: Tx, timing: Timing, letter_id: str, asked: Asked) -> Letter:
    """Send a letter again.

    Raises `NotFound`, and `Conflict`: ``version_mismatch``, ``already_resolved``, ``already_replaying``, ``quarantined`` or
    ``not_replayable``, which says why.
    """
    letter = await lock(tx, letter_id, target=asked.target)
    store.check(letter, asked.version)
    _check_open(letter)
    await quarantine.check(tx, letter)
    await store.advance(tx, letter, LetterEvent.REPLAY, reason=asked.why, tries=letter.tries + asked.rule)
    await audit.note(tx, "dead_letter.replayed", letter.id, why=asked.why, before={"version": letter.version, "attempts": letter.attempts})
    await _HOW.get(letter.source, _not)(tx, timing, letter)
    return await store.get(tx, letter.id, lock=True)


async def lock(tx: Tx, letter_id: str, *, target: str | None = None) -> Letter:
    """A letter, with its order locked before it. Raises `NotFound`."""
    seen = await store.get(tx, letter_id, target=target)
    if seen.saga_id is not None:
        await orders.lock(tx, seen.saga_id)
    return await store.get(tx, letter_id, lock=True)


def _check_open(letter: Letter) -> None:
    if letter.state is LetterState.RESOLVED:
        raise Conflict("already_resolved", f"it is resolved: {letter.resolution}", resolution=letter.resolution)
    if letter.state is LetterState.REPLAYING:
        raise Conflict("already_replaying", "it was sent again and has not ended yet")
    if letter.state is LetterState.DISCARDED:
        raise Conflict("not_replayable", f"it is discarded, for {letter.resolution}; restore it first")
    if letter.state is LetterState.COMPENSATED:
        raise Conflict("already_resolved", f"it was given up and made up for: {letter.resolution}", resolution=letter.resolution)


async def _not(_tx: Tx, _timing: Timing, letter: Letter) -> None:
    raise Conflict("not_replayable", f"a letter of {letter.source} names nothing that could be sent again: {BY_HAND}")


async def _step(tx: Tx, _: Timing, letter: Letter) -> None:
    step = await steps.get(tx, letter.step_id or "", lock=True)
    if step is None:
        raise Conflict("not_replayable", "its step is not known any more")
    payload = msgspec.json.decode(letter.payload) if letter.original is not None else None
    if step.state == StepState.OPEN:
        await revive.again(tx, step.id, payload)
    elif step.state == StepState.DEAD and step.target != HUB_TARGET:
        await _check_meaningful(tx, step)
        await revive.reopen(tx, step.id, payload)
    elif step.kind == send.REFUND:
        await _refund(tx, letter, step.subject_id)
    else:
        raise Conflict("not_replayable", ended(step))


def ended(step: Step) -> str:
    """Why an ended step is not sent again."""
    if step.state == StepState.CANCELED:
        return "its step was withdrawn: nobody waits for the answer any more"
    if step.verdict == Verdict.REFUSED:
        return f"it was refused for good, and what follows from that has been done; {BY_HAND}"
    return "its step has ended: it was decided without this"


async def _check_meaningful(tx: Tx, step: Step) -> None:
    part = (await orders.load(tx, step.saga_id)).part(step.subject_id)
    if part.state not in _AT.get(step.kind, frozenset()):
        raise Conflict("not_replayable", f"the part is {part.state}: {step.kind} would mean nothing any more", state=str(part.state))


async def _refund(tx: Tx, letter: Letter, refund_id: str) -> None:
    refund = await refunds.refund(tx, refund_id)
    if refund.state is not RefundState.FAILED:
        raise Conflict("not_replayable", f"the refund is {refund.state}", state=str(refund.state))
    await send.retry(tx, refund_id)
    await store.change(tx, letter, subject_id=refund_id)


async def _divided_refund(tx: Tx, _: Timing, letter: Letter) -> None:
    await _refund(tx, letter, letter.headers.get("refund", ""))


async def _event(tx: Tx, timing: Timing, letter: Letter) -> None:
    heard = Heard(
        vendor=letter.target,
        subject=subjects.event(letter.target, letter.kind),
        headers={name: value for name, value in letter.headers.items() if name != messages.MSG_ID},
        body=letter.payload.encode(),
    )
    try:
        await hear_in(tx, timing, heard)
    except (Foreign, Invalid) as error:
        raise Conflict("not_replayable", f"heard again it is refused again: {error.detail}") from error
    await store.resolve(tx, await store.get(tx, letter.id, lock=True), "heard")


async def _provider(tx: Tx, _: Timing, letter: Letter) -> None:
    await provider_events.again(tx, letter.headers["event"])


_HOW: Mapping[str, Callable[[Tx, Timing, Letter], Awaitable[None]]] = {
    "step": _step,
    "event": _event,
    "provider": _provider,
    "refund": _divided_refund,
}
"""By where a letter comes from. Of the others none can be sent again."""
