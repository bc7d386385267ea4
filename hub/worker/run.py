"""Starts a worker's loops and ends them in order."""

import asyncio
import contextlib
import signal

import structlog

from hub.runtime import logs
from hub.settings import Settings
from hub.wiring import gateway, wire
from hub.worker.accounts import open_accounts
from hub.worker.deadlines import forget, sweep
from hub.worker.dispatch import Dispatcher
from hub.worker.listen import Listener
from hub.worker.supervise import forever

log = structlog.get_logger("worker")

DRAIN_SECONDS = 10.0


async def run(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT, then finish what is under way."""
    logs.set_up(level=settings.log.level, fmt=settings.log.format, process="worker")
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    wiring = wire(settings, "hub worker")
    provider = gateway(settings)
    await wiring.bus.start()
    listener = Listener(wiring)
    dispatcher = Dispatcher(wiring, provider, listener.missing)
    loops = [
        asyncio.create_task(forever("dispatch", dispatcher.once, pause=0)),
        asyncio.create_task(forever("listen", listener.once, pause=0.5)),
        asyncio.create_task(forever("deadlines", lambda: sweep(wiring), pause=0.5)),
        asyncio.create_task(forever("accounts", lambda: open_accounts(wiring, provider), pause=1)),
        asyncio.create_task(forever("forget", lambda: forget(wiring), pause=3600)),
    ]
    log.info("worker.started")
    await stop.wait()
    await dispatcher.drain(DRAIN_SECONDS)
    await listener.stop()
    for loop in loops:
        loop.cancel()
    for loop in loops:
        with contextlib.suppress(asyncio.CancelledError):
            await loop
    await wiring.close()
    log.info("worker.stopped")
