"""One worker: its loops, started together and ended in order."""

import asyncio
import contextlib
import signal

import structlog

from hub.payments.ports import PaymentGateway
from hub.runtime import logs
from hub.settings import Settings
from hub.wiring import Wiring, gateway, wire
from hub.worker.accounts import open_accounts
from hub.worker.deadlines import forget, sweep
from hub.worker.dispatch import Dispatcher
from hub.worker.listen import Listener
from hub.worker.supervise import forever

log = structlog.get_logger("worker")

DRAIN_SECONDS = 10.0


class Worker:
    """Sends, hears, sweeps. The wiring is opened and closed by the caller."""

    def __init__(self, wiring: Wiring, provider: PaymentGateway) -> None:
        self._wiring = wiring
        self._provider = provider
        self._listener = Listener(wiring)
        self._dispatcher = Dispatcher(wiring, provider, self._listener.missing)
        self._loops: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to work."""
        self._loops = [
            asyncio.create_task(forever("dispatch", self._dispatcher.once, pause=0)),
            asyncio.create_task(forever("listen", self._listener.once, pause=0.5)),
            asyncio.create_task(forever("deadlines", lambda: sweep(self._wiring, hearing=self._listener.hears), pause=0.5)),
            asyncio.create_task(forever("accounts", lambda: open_accounts(self._wiring, self._provider), pause=1)),
            asyncio.create_task(forever("forget", lambda: forget(self._wiring), pause=3600)),
        ]

    async def stop(self) -> None:
        """Take nothing more, finish what is under way, end."""
        await self._dispatcher.drain(DRAIN_SECONDS)
        await self._listener.stop()
        for loop in self._loops:
            loop.cancel()
        for loop in self._loops:
            with contextlib.suppress(asyncio.CancelledError):
                await loop


async def run(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT, then finish what is under way."""
    logs.set_up(level=settings.log.level, fmt=settings.log.format, process="worker")
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    wiring = wire(settings, "hub-worker")
    provider = gateway(settings)
    await wiring.bus.start()
    worker = Worker(wiring, provider)
    worker.start()
    log.info("worker.started")
    await stop.wait()
    await worker.stop()
    await provider.close()
    await wiring.close()
    log.info("worker.stopped")
