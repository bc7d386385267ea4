"""The stage: the vendor's system as a certification needs it, with known stock and failing on demand."""

import importlib
from typing import Any

from vendor_sdk.adapter import Adapter
from vendor_sdk.conformance.fault import Fault
from vendor_sdk.conformance.meddler import Meddler
from vendor_sdk.conformance.proxy import Proxy
from vendor_sdk.conformance.settings import Settings
from vendor_sdk.errors import Misconfigured
from vendor_sdk.messages import Message
from vendor_sdk.ports import CommandBody


class Stage:
    """Plays by the settings alone: fixed SKUs, and a proxy before an HTTP system. A project overrides what differs.

    `config` is what the adapter gets; `adapter` is the one in work, for systems that live inside it. `meddler` stands
    before the vendor's system, if there is a way to put it there.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.config: dict[str, Any] = dict(settings.config)
        self.adapter: Adapter[Any] | None = None
        self.meddler: Meddler | None = None
        self._proxy: Proxy | None = None

    async def open(self) -> None:
        """Get the vendor's system ready; called once, before everything else."""
        if not self.settings.upstream:
            return
        address = self.config.get(self.settings.upstream)
        if not isinstance(address, str):
            raise Misconfigured(f"upstream: config has no address called {self.settings.upstream!r}")
        self._proxy = Proxy(address, status=self.settings.status)
        self.meddler = self._proxy.meddler
        self.config[self.settings.upstream] = await self._proxy.open()

    async def close(self) -> None:
        """Let go of it; also called when `open` failed."""
        if self._proxy:
            await self._proxy.close()

    async def stock(self, sku: str, units: int) -> None:  # noqa: ARG002 - for who overrides it
        """Have exactly `units` free units of this SKU, which is new to the vendor's system."""
        raise Misconfigured(f"nobody knows of a SKU with {units} units: name `skus`, or give your stage a `stock` method")

    async def fault(self, fault: Fault | None) -> None:
        """Let the vendor's system fail in this way from now on; None: be well again. Raises `Misconfigured` if it cannot."""
        if self.meddler is None:
            raise Misconfigured("nobody can make your system fail: name `upstream`, give your stage a `fault` method, or skip this rule")
        self.meddler.fault = fault

    async def asked(self, body: CommandBody, command_id: str) -> None:
        """The hub is about to ask this. Where the vendor's people see their orders at the hub, let them see this one."""

    async def told(self, body: CommandBody, command_id: str) -> Message | None:  # noqa: ARG002 - for who overrides it
        """What the vendor's people have answered to it past the adapter, as a hub took it down; None: nothing yet.

        It counts as a pending adapter's own fact, told later.
        """
        return None


def stage_of(settings: Settings) -> Stage:
    """The stage that the settings ask for. Raises `Misconfigured` if there is none of that name."""
    if not settings.stage:
        return Stage(settings)
    module, _, name = settings.stage.partition(":")
    try:
        found = getattr(importlib.import_module(module), name, None)
    except ModuleNotFoundError as error:
        raise Misconfigured(f"stage: {settings.stage!r}: {error}") from error
    if not (isinstance(found, type) and issubclass(found, Stage)):
        raise Misconfigured(f"stage: {settings.stage!r} is no Stage class")
    return found(settings)
