"""Applies what providers tell us, and looks through their lists for what no webhook has brought.

An event is a hint: what it speaks of is looked at anew and its facts are applied, so events may come in any order, any
number of times, a month late, and from several workers at once.
"""

import asyncio
from collections.abc import Mapping, Sequence

import structlog

from hub.letters.keep import Given, keep
from hub.payments.ports import GatewayRefused, Gateways, InDoubt, NotSent, PaymentGateway
from hub.runtime.database import Tx
from hub.runtime.steps import HUB_TARGET
from hub.webhooks import store
from hub.webhooks.store import Claimed
from hub.wiring import Wiring
from hub.worker.notices import NOTICES, Hint, Notice, hint_of

log = structlog.get_logger("provider")

BATCH = 50
AT_ONCE = 4
"""Looks under way: a provider that answers slowly takes no more than these connections."""
PAUSE_MAX = 600.0
SWEEP_SECONDS = 120.0
REST_TIMES = 20
"""Sweeping takes no more than a twentieth of the time: vendors' events are listed account by account."""
OVERLAP_SECONDS = 600
"""A provider's list may show an event later than its time says."""


async def apply_events(wiring: Wiring, gateways: Gateways, notices: Mapping[str, Notice] = NOTICES) -> None:
    """Apply what is due."""
    while await _apply_some(wiring, gateways, notices) == BATCH:
        pass


async def sweep_events(wiring: Wiring, gateways: Gateways, *, every: float = SWEEP_SECONDS) -> None:
    """Keep what happened and no webhook told, of each provider about every so many seconds, whoever of the workers is first."""
    for gateway in gateways.values():
        if not gateway.abilities.online:
            continue
        for connect in (False, True) if gateway.abilities.accounts else (False,):
            try:
                await _sweep(wiring, gateway, connect=connect, every=every)
            except (InDoubt, NotSent, GatewayRefused) as error:
                log.warning("provider.not_swept", gateway=gateway.name, connect=connect, error=repr(error))


async def _sweep(wiring: Wiring, gateway: PaymentGateway, *, connect: bool, every: float) -> None:
    async with wiring.database.tx() as tx:
        until = await store.begin_sweep(tx, gateway=gateway.name, connect=connect)
    if until is None:
        return
    began = _time()
    listed = await gateway.events(since=until - OVERLAP_SECONDS, accounts=connect)
    rest = max(every, REST_TIMES * (_time() - began))
    telling = [event for event in listed if hint_of(gateway.name, event.kind, event.subject, event.account) is not None]
    seen_until = max((event.at for event in listed), default=None)
    async with wiring.database.tx() as tx:
        fresh = await store.keep_swept(tx, telling, gateway=gateway.name)
        await store.end_sweep(tx, gateway=gateway.name, connect=connect, seen_until=seen_until, rest=rest)
    log.info("provider.swept", gateway=gateway.name, connect=connect, listed=len(listed), fresh=fresh)


async def _apply_some(wiring: Wiring, gateways: Gateways, notices: Mapping[str, Notice]) -> int:
    async with wiring.database.tx() as tx:
        claimed = await store.claim(tx, BATCH)
    hints: dict[Hint | None, list[Claimed]] = {}
    for event in claimed:
        hints.setdefault(hint_of(event.gateway, event.kind, event.subject, event.account), []).append(event)
    if ignored := hints.pop(None, []):
        async with wiring.database.tx() as tx:
            await store.end(tx, _ids(ignored), "ignored", "nothing to us")
    room = asyncio.Semaphore(AT_ONCE)

    async def follow(hint: Hint, events: list[Claimed]) -> None:
        async with room:
            await _follow(wiring, gateways, notices[hint.topic], hint, events)

    await asyncio.gather(*(follow(hint, events) for hint, events in hints.items() if hint is not None))
    return len(claimed)


async def _follow(wiring: Wiring, gateways: Gateways, notice: Notice, hint: Hint, events: list[Claimed]) -> None:
    gateway = gateways.get(hint.gateway)
    if gateway is None:
        await _park(wiring, events, f"no provider {hint.gateway}")
        return
    try:
        facts = await notice.look(gateway, hint)
        async with wiring.database.tx() as tx:
            if known := await notice.take(tx, hint, facts, events[0].claimed_at):
                await store.end(tx, _ids(events), "applied")
        if not known:
            await _park(wiring, events, "it speaks of something that we do not know")
    except (InDoubt, NotSent) as error:
        await _ask_later(wiring, events, error)
    except GatewayRefused as no:
        await _park(wiring, events, f"the provider refuses to say more: {no.code}")
    except Exception as error:  # noqa: BLE001  # one event's trouble is not the others'; it is tried again, and at last an operator is told
        log.warning("provider.not_applied", topic=hint.topic, subject=hint.subject, error=repr(error))
        await _park(wiring, events, f"a defect of ours: {type(error).__name__}")


async def _ask_later(wiring: Wiring, events: list[Claimed], error: InDoubt | NotSent) -> None:
    """The provider does not answer: nothing is known of the event, so it stays what it is."""
    asked = error.retry_after if isinstance(error, NotSent) else None
    async with wiring.database.tx() as tx:
        for event in events:
            await store.later(tx, [event.id], event.state, max(asked or 0.0, _pause(event)), "the provider did not answer")


async def _park(wiring: Wiring, events: list[Claimed], why: str) -> None:
    """It may be ahead of our own commit: look again, each time later, for some days."""
    async with wiring.database.tx() as tx:
        for event in events:
            if event.late:
                await store.end(tx, [event.id], "unmatched", why)
                await _tell_operator(tx, event, why)
            else:
                await store.later(tx, [event.id], "parked", _pause(event), why)


async def _tell_operator(tx: Tx, event: Claimed, why: str) -> None:
    # What was sent stays where it is: it may hold what is for the buyer alone.
    told = Given(
        source="provider",
        identity=f"provider_event:{event.id}",
        target=HUB_TARGET,
        kind=event.kind,
        reason="unmatched",
        detail=why,
        headers={"gateway": event.gateway, "event": event.id, "subject": event.subject, "account": event.account or ""},
        payload="",
        attempts=event.attempts,
    )
    await keep(tx, told)
    log.warning("provider.unmatched", event_id=event.id, kind=event.kind, subject=event.subject, why=why)


def _time() -> float:
    return asyncio.get_running_loop().time()


def _pause(event: Claimed) -> float:
    return min(PAUSE_MAX, 2.0 ** min(event.attempts, 20))


def _ids(events: Sequence[Claimed]) -> list[str]:
    return [event.id for event in events]
