"""Owns who comes in at a broker of ours: looks which vendors have which nkeys now, and has the broker take the difference."""

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncEngine

from hub.embedded.folder import Folder
from hub.embedded.leaves import cut_leaves, losers
from hub.embedded.nats import Nats
from hub.embedded.nats_config import VendorAccount
from hub.embedded.vendors import HOSTED, SpokeVendor, accounts, end_spokes, find_vendors, give_key, write_spoke


class SpokesHere(NamedTuple):
    """Spokes that we run: where their settings and seeds are, and where they find the hub."""

    folder: Folder
    hub_url: str


class Doorkeeper:
    """Looks after one running broker, and the `spokes` that run here if any do. `text` is the whole configuration."""

    def __init__(
        self,
        nats: Nats,
        engine: AsyncEngine,
        spokes: SpokesHere | None,
        text: Callable[[Sequence[VendorAccount]], str],
        *,
        system_seed: str,
        tell: Callable[[str], None],
    ) -> None:
        self._nats = nats
        self._engine = engine
        self._spokes = spokes
        self._text = text
        self._system_seed = system_seed
        self._tell = tell
        self._vendors: list[SpokeVendor] | None = None
        self._to_cut = set[str]()

    async def look(self) -> None:
        """Let in whom we did not know, and out whose keys have ended; what does not succeed now is tried at the next look.

        Raises `NatsFailed`, `NotCut`, `OSError` and SQLAlchemy's errors.
        """
        found = await find_vendors(self._engine)
        if found != self._vendors:
            await self._take_in(found)
        if self._to_cut:
            await cut_leaves(self._nats.url, self._system_seed, self._to_cut, self._tell)
            self._to_cut.clear()

    async def _take_in(self, found: list[SpokeVendor]) -> None:
        folder = None if self._spokes is None else self._spokes.folder
        before, after = accounts(self._vendors or [], folder), accounts(found, folder)
        text = self._text(after)
        if text != self._nats.config_text:
            await asyncio.to_thread(self._nats.reload, text)  # a second or two with a thousand vendors
        if self._spokes is not None:
            await self._settle_spokes(found, *self._spokes)
        self._to_cut |= losers(before, after)
        self._vendors = found

    async def _settle_spokes(self, found: list[SpokeVendor], folder: Folder, hub_url: str) -> None:
        for vendor in found:
            if vendor.embedded_spoke == HOSTED:
                await give_key(self._engine.url.render_as_string(hide_password=False), vendor.code, folder)
            write_spoke(vendor, folder, self._nats.url, hub_url)
        end_spokes(found, folder)
