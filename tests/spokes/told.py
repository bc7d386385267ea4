"""Adapters opened without a spoke around them: facts as they tell them, kept."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from vendor_sdk.adapter import Adapter, read_config
from vendor_sdk.messages import Message
from vendor_sdk.ports import Context


class Told:
    """In place of the spoke's outbox: each fact once, by command and kind."""

    def __init__(self) -> None:
        self.facts: dict[tuple[str, str], Message] = {}

    async def tell(self, kind: str, message: Message, *, command_id: str, after: float = 0.0) -> None:  # noqa: ARG002 - adapters of others' systems know of facts when they are true
        self.facts.setdefault((command_id, kind), message)

    async def withdraw(self, kind: str, *, command_id: str) -> bool:
        return self.facts.pop((command_id, kind), None) is not None


def key(command_id: str, attempt: int = 1) -> Context:
    return Context(command_id=command_id, attempt=attempt)


A = TypeVar("A", bound=Adapter[Any])


@asynccontextmanager
async def opener(adapter: type[A], settings: Mapping[str, Any], data: Path) -> AsyncIterator[Callable[..., Awaitable[A]]]:
    """Opens the adapter on one memory as often as wanted, as after a restart, with other settings if some are named."""
    opened: list[A] = []

    async def open_spoke(**more: Any) -> A:
        spoke = adapter("acme", read_config(adapter, {**settings, **more}), Told(), data)
        await spoke.open()
        opened.append(spoke)
        return spoke

    yield open_spoke
    for spoke in opened:
        await spoke.close()
