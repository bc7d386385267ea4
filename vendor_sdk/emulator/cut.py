"""The cable between an adapter and its vendor's system: while it is cut, every call fails as a network does."""

from collections.abc import Awaitable, Callable
from typing import Any, cast

from vendor_sdk.adapter import Adapter
from vendor_sdk.ports import PORTS


class Cable:
    """Whole until it is cut; it mends itself after so many calls, or when a breaker has opened."""

    def __init__(self) -> None:
        self._left = 0
        self.failed = 0
        self.opened: list[str] = []

    def cut(self, calls: int) -> None:
        """The next so many calls fail."""
        self._left = calls

    def note_opened(self, capability: str) -> None:
        """A breaker has opened: the outage has done what it can, the first call that tries again passes."""
        self.opened.append(capability)
        self._left = 0

    def check(self) -> None:
        """Raises `ConnectionError` while it is cut."""
        if self._left > 0:
            self._left -= 1
            self.failed += 1
            raise ConnectionError("the emulator has cut the vendor's system off")


def over(adapter: type[Adapter[Any]], cable: Cable) -> type[Adapter[Any]]:
    """The same adapter, each method of its ports behind the cable."""
    methods = [name for port in PORTS.values() if issubclass(adapter, port) for name in port.__abstractmethods__]
    made = type(adapter.__name__, (adapter,), {name: _behind(cable, getattr(adapter, name)) for name in methods})
    return cast("type[Adapter[Any]]", made)


def _behind(cable: Cable, method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def call(*args: Any) -> Any:
        cable.check()
        return await method(*args)

    return call
