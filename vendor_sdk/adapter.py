"""The base of every adapter: its settings, its life, and its way to tell later facts."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar, get_args, get_origin

import msgspec

from vendor_sdk.errors import Misconfigured
from vendor_sdk.feeds import Level, Offered
from vendor_sdk.messages import Message

Config = TypeVar("Config", bound=msgspec.Struct)


class Facts(Protocol):
    """How an adapter tells what happens after (or beside) an answer. Durable: what is told survives a crash."""

    async def tell(self, kind: str, message: Message, *, command_id: str, after: float = 0.0) -> None:
        """Tell the hub `message` in `after` seconds, e.g. ``shipping.shipped`` about the ship command `command_id`.

        Told while that command is being answered, it is stored together with the answer, or not at all. The event
        is named ``<command_id>.<fact>``: telling it twice tells it once. Raises `ValueError` for a kind and message
        that do not belong together.
        """
        ...

    async def withdraw(self, kind: str, *, command_id: str) -> bool:
        """Take back a fact that is not due yet; False if there is none or it is too late."""
        ...


class Feeds(Protocol):
    """How an adapter tells changes of its catalog and stock at once. Durable, in the order in which they were told.

    `at` is as of when it was so, now if nothing is said: the hub takes no news of an offer that is not newer than what it knows.
    The ids under which ``GET /v1/vendor/feeds/{id}`` tells what became of each row are returned, one for each message.
    """

    async def changed(self, offers: Sequence[Offered] = (), withdrawn: Sequence[str] = (), *, at: datetime | None = None) -> list[str]:
        """These offers are so now, and these SKUs are no longer sold."""
        ...

    async def counted(self, levels: Sequence[Level], *, at: datetime | None = None) -> list[str]:
        """Units that can be sold now, as `vendor_sdk.ports.Stock.levels` counts them."""
        ...


class Unheard:
    """Feeds where nobody listens: in a test, in the conformance kit, in the emulator."""

    async def changed(self, offers: Sequence[Offered] = (), withdrawn: Sequence[str] = (), *, at: datetime | None = None) -> list[str]:  # noqa: ARG002 - as `Feeds`
        """Nothing."""
        return []

    async def counted(self, levels: Sequence[Level], *, at: datetime | None = None) -> list[str]:  # noqa: ARG002 - as `Feeds`
        """Nothing."""
        return []


class Adapter(Generic[Config]):
    """One vendor's system as the hub may use it.

    Subclass it together with the capabilities it has: ``class Shop(Adapter[ShopConfig], Stock, Orders)``. Methods run
    concurrently; one sub-order's commands run one after another.
    """

    config_type: ClassVar[type[msgspec.Struct]] = msgspec.Struct
    feeds: Feeds = Unheard()
    """Given by the runner, before `open`."""

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        bases: tuple[object, ...] = getattr(cls, "__orig_bases__", ())
        for base in bases:
            if get_origin(base) is Adapter and isinstance(get_args(base)[0], type):
                cls.config_type = get_args(base)[0]

    def __init__(self, vendor: str, config: Config, facts: Facts, data: Path) -> None:
        self.vendor = vendor
        self.config = config
        self.facts = facts
        self.data = data
        """A folder the adapter may keep files in; it may be shared by several vendors of one process."""

    async def open(self) -> None:
        """Get ready (sign in, open files); called once before the first command. May raise; the runner tries again."""

    async def close(self) -> None:
        """Let go of what `open` took; called once after the last command."""


def read_config(adapter: type[Adapter[Any]], data: dict[str, Any]) -> msgspec.Struct:
    """An adapter's settings, checked against its own struct. Raises `Misconfigured` naming the wrong or unknown field."""
    try:
        return msgspec.convert(data, adapter.config_type, strict=False)
    except msgspec.ValidationError as error:
        raise Misconfigured(f"{adapter.__name__}: config: {error}") from error
