"""Giving back what was held too long, row by row: a submit takes its row before or after, and a row that fails stops no other."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, TypeVar

from vendor_sdk.errors import AdapterError

log = logging.getLogger(__name__)

PUT_OFF_SECONDS = 3600.0
"""Until a row that could not be given back is tried again."""


class Row(Protocol):
    """What a command holds."""

    @property
    def command_id(self) -> str:
        """Of the command."""
        ...


R = TypeVar("R", bound=Row)


class Memory(Protocol[R]):
    """Where it is noted what is held until when."""

    async def expired(self) -> list[R]:
        """Some of what was held too long."""
        ...

    async def still_expired(self, command_id: str) -> R | None:
        """A row as it is now; None if it is held no more, or for longer."""
        ...

    async def put_off(self, command_id: str, until: float) -> None:
        """Hold a row until then, in unix seconds."""
        ...


class Sweep(Generic[R]):
    """Of one adapter. Who notes under its `lock` that a row is to be kept finds it either given back or his."""

    def __init__(self, memory: Memory[R], give_back: Callable[[R], Awaitable[object]]) -> None:
        self.lock = asyncio.Lock()
        self._memory = memory
        self._give_back = give_back

    async def run(self) -> None:
        """Each row is put off before it is tried: whatever becomes of the call, the next sweep begins with others."""
        for row in await self._memory.expired():
            async with self.lock:
                now = await self._memory.still_expired(row.command_id)
                if now is None:
                    continue
                await self._memory.put_off(row.command_id, time.time() + PUT_OFF_SECONDS)
                try:
                    await self._give_back(now)
                except AdapterError as error:
                    log.warning("what %s holds cannot be given back yet: %s", row.command_id, error.message)
