"""One worker: its loops, started together and ended in order."""

import asyncio
import signal
from collections.abc import Awaitable, Callable

import structlog

from hub.feeds.forget import forget as forget_feeds
from hub.notifications.deliver import Courier
from hub.notifications.follow import follow
from hub.notifications.forget import forget as forget_webhooks
from hub.onboarding.close import close_vendors
from hub.ops.invariants import watch
from hub.payments.ports import Gateways
from hub.payouts.plan import plan_payouts
from hub.promises.count import count_days
from hub.promises.judge import judge_all
from hub.runtime import garbage, logs
from hub.sections import Settings
from hub.transfers.credit import pay_credits
from hub.triage.by_itself import replay_by_itself
from hub.triage.drive import drive_plans
from hub.triage.settle import Settler
from hub.wiring import Wiring, gateways, limits, wire
from hub.worker.accounts import open_accounts, refresh_accounts
from hub.worker.chase import chase_all
from hub.worker.deadlines import forget, sweep
from hub.worker.dispatch import Dispatcher
from hub.worker.health import note_all
from hub.worker.listen import Listener
from hub.worker.provider import apply_events, sweep_events
from hub.worker.pulse import Pulse
from hub.worker.reconcile import reconcile_daily
from hub.worker.rescue import rescue
from hub.worker.supervise import forever

log = structlog.get_logger("worker")

DRAIN_SECONDS = 10.0
COURIER_SECONDS = 2.0
"""A receiver may take longer; it will be told again."""


Loops = dict[str, tuple[Callable[[], Awaitable[object]], float]]
"""What a worker does again and again, and how many seconds apart."""


def loops(wiring: Wiring, gateways: Gateways, dispatcher: Dispatcher, hears: Callable[[], bool]) -> Loops:
    """All but what listens to the broker; `hears` says whether somebody has done so for long enough."""
    return {
        "dispatch": (dispatcher.once, 0),
        "deadlines": (lambda: sweep(wiring, hearing=hears()), 0.5),
        "letters": (Settler(wiring.database).once, 1),
        "replays": (lambda: drive_plans(wiring.database, wiring.timing), 0.5),
        "replays by rule": (lambda: replay_by_itself(wiring.database, wiring.timing), 5),
        "promises": (lambda: chase_all(wiring, hearing=hears()), 1),
        "rescue": (lambda: rescue(wiring), 5),
        "closing": (lambda: close_vendors(wiring.database, gateways), 5),
        "accounts": (lambda: open_accounts(wiring, gateways), 1),
        "account facts": (lambda: refresh_accounts(wiring, gateways), 5),
        "provider events": (lambda: apply_events(wiring, gateways), 0.2),
        "missed events": (lambda: sweep_events(wiring, gateways), 5),
        "payouts": (lambda: plan_payouts(wiring.database, gateways, wiring.timing.marketplace), 30),
        "credits": (lambda: pay_credits(wiring.database), 5),
        "reconciliation": (lambda: reconcile_daily(wiring, gateways), 30),
        "notifications": (lambda: follow(wiring.database), 0.25),
        "health": (lambda: note_all(wiring.database, gateways), 5),
        "scorecards": (lambda: count_days(wiring.database), 60),
        "suspension": (lambda: judge_all(wiring.database, wiring.timing.promises.suspension), 60),
        "laws": (lambda: watch(wiring.database), 180),
        "forget": (lambda: forget(wiring), 3600),
        "forget webhooks": (lambda: forget_webhooks(wiring.database, limits(wiring.settings)), 3600),
        "forget feeds": (lambda: forget_feeds(wiring.database, wiring.settings.feeds.keep_days), 3600),
    }


class Worker:
    """Sends, hears, sweeps. The wiring is opened and closed by the caller."""

    def __init__(self, wiring: Wiring, gateways: Gateways) -> None:
        self._wiring = wiring
        self._gateways = gateways
        self._listener = Listener(wiring)
        self._pulse = Pulse(wiring)
        self._dispatcher = Dispatcher(wiring, gateways, self._listener.missing, self._pulse.full)
        self._courier = Courier(wiring.database, limits(wiring.settings))
        self._loops: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to work."""
        self._wiring.database.taker = self._dispatcher
        own = loops(self._wiring, self._gateways, self._dispatcher, lambda: self._listener.hears)
        heard: Loops = {
            "listen": (self._listener.once, 0.5),
            "pulse": (self._pulse.once, 1),
            "webhooks": (self._courier.once, 0.25),
        }
        self._loops = [asyncio.create_task(forever(name, once, pause=pause)) for name, (once, pause) in (own | heard).items()]

    async def stop(self) -> None:
        """Take nothing more, finish what is under way, end."""
        await self._dispatcher.drain(DRAIN_SECONDS)
        await self._listener.stop()
        await self._courier.stop(COURIER_SECONDS)
        pending = set(self._loops)
        while pending:
            for loop in pending:
                loop.cancel()  # again: `asyncio.wait_for` forgets one that comes with its answer (CPython #86296), and nats-py uses it
            _, pending = await asyncio.wait(pending, timeout=0.5)


async def run(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT, then finish what is under way."""
    logs.set_up(level=settings.log.level, fmt=settings.log.format, process="worker")
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    wiring = wire(settings, "hub-worker")
    providers = gateways(wiring)
    await wiring.bus.start()
    worker = Worker(wiring, providers)
    garbage.keep_what_is_here()
    worker.start()
    log.info("worker.started")
    await stop.wait()
    await worker.stop()
    for provider in providers.values():
        await provider.close()
    await wiring.close()
    log.info("worker.stopped")
