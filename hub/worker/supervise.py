"""Keeps a loop running: what it raises is logged, and it goes on after a pause that grows."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

log = structlog.get_logger("worker")

PAUSE_MAX = 5.0


async def forever(
    name: str, once: Callable[[], Awaitable[object]], *, pause: float, rest: Callable[[float], Awaitable[object]] = asyncio.sleep
) -> None:
    """Run `once` again and again, `pause` seconds apart; `rest` is what waits in between."""
    trouble = 0
    while True:
        try:
            await once()
            trouble = 0
        except Exception as error:  # noqa: BLE001  # the database or the broker is away: go on when it is back
            trouble += 1
            log.warning("worker.loop_failed", loop=name, error=repr(error), in_a_row=trouble)
        await (asyncio.sleep(min(PAUSE_MAX, 0.25 * trouble)) if trouble else rest(pause))
