"""Replays recorded orders on a hub, from the vendors' admission to the last check."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import aiohttp
import msgspec
import uvloop
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from hub.embedded.folder import Folder, Running
from hub.replay import verdict
from hub.replay.buy import Buyers
from hub.replay.check_books import COMPLETED, balances, check_books, check_laws, check_orders, check_stock
from hub.replay.check_provider import check_provider
from hub.replay.check_reconciled import check_reconciled
from hub.replay.check_story import Stories, samples
from hub.replay.check_trouble import check_trouble, counts, planned
from hub.replay.check_vendors import check_vendors
from hub.replay.expected import Expected, expect
from hub.replay.files import CURRENCY, History, read
from hub.replay.follow import Follower
from hub.replay.hub import hub_for
from hub.replay.kills import Kill, Killer
from hub.replay.make_trouble import Troublemaker
from hub.replay.open_shops import COMMISSION_BPS, Presence, open_shops, register_buyers
from hub.replay.sandbox import Provider
from hub.replay.trouble import plan
from hub.replay.verdict import Verdict, count, no_exceptions
from hub.replay.web import Web, session
from hub.runtime import auth, logs
from hub.runtime.database import Actor
from hub.settings import load_settings
from hub.wiring import Wiring, gateways, wire

OPERATOR = Actor("operator", "replay")
CONNECT_SECONDS = 15.0
WIDTH = 160
SLACK = 1
"""Orders per buyer that may still be placed after a kill is due."""


class LawsBroken(RuntimeError):
    """The orders did not all end right; the text names the laws."""


class HasBooks(RuntimeError):
    """The hub has booked money in this currency before: its books cannot be compared to the files."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How to replay: so many buyers at once; `limit` orders (None: all), of which `trouble` percent go wrong.

    With `kill`, each part is killed `rounds` times. `seed` says which orders go wrong and when parts are killed.
    """

    buyers: int = 16
    limit: int | None = None
    trouble: int = 10
    kill: bool = False
    rounds: int = 5
    seed: int = 1


def replay(orders: Path, data: Path | None, plan: Plan) -> None:
    """Replay the files in `orders` on the hub of `data`, or on one of its own.

    Raises `BadFile`, `LawsBroken`, and what keeps the orders from being placed: `StartFailed`, `HasBooks`, `Refused`, `NotUp`, `NotBack`.
    """
    history = read(orders, plan.limit)
    logs.set_up(level="error", fmt="console", process="replay")
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)  # for a log, lines need not break at 80 characters
    with hub_for(data) as (running, folder):
        wiring = wire(load_settings(environ=running.environment), "replay")
        verdicts = uvloop.run(_replay(wiring, running, folder, (history, plan), console))
        console.print(verdict.table(verdicts))
        if broken := [each.law for each in verdicts if not each.holds]:
            raise LawsBroken("broken: " + "; ".join(broken))
    console.print(f"[green]all {len(history.orders)} orders ended right[/]")


async def _replay(wiring: Wiring, running: Running, folder: Folder, what: tuple[History, Plan], console: Console) -> list[Verdict]:
    await wiring.bus.start()
    bars = Progress(TextColumn("{task.description:<24}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console)
    try:
        async with session() as http:
            with bars:
                return await _Course(wiring, running, folder, what, (http, bars)).run()
    except ExceptionGroup as group:
        raise _first(group) from None
    finally:
        await wiring.close()


class _Course:
    """One replay under way."""

    def __init__(
        self, wiring: Wiring, running: Running, folder: Folder, what: tuple[History, Plan], through: tuple[aiohttp.ClientSession, Progress]
    ) -> None:
        self._wiring = wiring
        self._running = running
        self._folder = folder
        self._history, self._plan = what
        self._troubles = plan(self._history.orders, self._plan.trouble, self._plan.seed)
        http, self._bars = through
        self._web = Web(http, running.url)
        self._provider = Provider(http, wiring.settings.stripe)

    async def run(self) -> list[Verdict]:
        """All of it; what the checks found."""
        database = self._wiring.database
        async with database.tx(OPERATOR) as tx:
            if any((await balances(tx)).values()):
                raise HasBooks(f"this hub has books in {CURRENCY} already: replay on a fresh one")
            operator = await auth.issue_key(tx, OPERATOR)
        try:
            if self._troubles.of:
                await self._provider.check()
            buyers = await self._set_up(operator.key)
            ways = await self._buy(buyers, operator.key)
            return [*ways, *await self._check(buyers), *await self._check_money(buyers, operator.key)]
        finally:
            async with database.tx(OPERATOR) as tx:
                await auth.revoke(tx, operator.id)

    async def _set_up(self, operator: str) -> Buyers:
        shops = self._history.shops
        await self._wiring.bus.connected(CONNECT_SECONDS)
        presence = Presence(self._wiring.bus)
        await presence.begin()
        admitted = self._bar("vendors admitted", len(shops))
        offers = await open_shops(self._web, operator, self._history, self._folder.spoke_seeds, admitted)
        keys = await register_buyers(self._web, operator, self._plan.buyers)
        await presence.all_up(shops, self._bar("vendors' spokes up", len(shops)))
        return Buyers(self._web, keys, offers)

    async def _buy(self, buyers: Buyers, operator: str) -> list[Verdict]:
        total = len(self._history.orders)
        follower = Follower(self._wiring.database)
        killer = self._killer(follower) if self._plan.kill else None
        maker = Troublemaker(self._wiring.database, (self._web, operator, self._provider), self._troubles, buyers.placed)

        async def gate(number: int) -> None:
            if killer is not None:
                await killer.gate(number, SLACK * self._plan.buyers)
            await maker.gate(self._history.orders[number])

        self._tell(planned(self._troubles.of))
        placed, ended = self._bar("orders placed", total), self._bar("orders ended", total)
        begun = time.monotonic()
        async with asyncio.TaskGroup() as group:
            if killer is not None:
                group.create_task(killer.run())
            following = group.create_task(follower.until_ended(total, ended))
            group.create_task(maker.run(self._bar("troubles made", len(self._troubles.of))))
            await buyers.place_all(self._history.orders, gate, placed)
            self._tell(f"placed in {time.monotonic() - begun:.0f} s, {self._web.again} requests repeated")
        self._tell(f"{follower.ended} of {total} ended in {time.monotonic() - begun:.0f} s")
        stuck = [] if following.result() else ["nothing moves any more"]
        return [no_exceptions("the orders go on until they end", stuck), *([killer.verdict()] if killer else [])]

    def _killer(self, follower: Follower) -> Killer:
        def tell(kill: Kill) -> None:
            self._tell(str(kill))

        return Killer(self._running.pid, len(self._history.orders), (self._plan.rounds, self._plan.seed), follower, tell)

    async def _check(self, buyers: Buyers) -> list[Verdict]:
        orders, expected = self._history.orders, self._expected
        seen = await buyers.see()
        verdicts = [count("orders that buyers see completed and paid in full", len(orders), sum(map(_is_right, seen)))]
        async with self._wiring.database.reading() as tx:
            verdicts += await check_orders(tx, orders, buyers.placed, expected.refunded)
            verdicts += await check_books(tx, expected)
            verdicts += await check_stock(tx, self._history.shops, expected)
            verdicts += await check_laws(tx)
            verdicts += await check_provider(tx, self._provider, expected, await balances(tx))
        return verdicts + check_vendors(self._folder.spoke_data, expected)

    async def _check_money(self, buyers: Buyers, operator: str) -> list[Verdict]:
        database, troubles = self._wiring.database, self._troubles.of
        async with database.reading() as tx:
            found = await counts(tx)
            verdicts = await check_trouble(tx, found, self._expected, troubles, buyers.placed)
        self._tell(str(found))
        providers = gateways(self._wiring)
        try:
            verdicts += await check_reconciled(database, providers)
        finally:
            for provider in providers.values():
                await provider.close()
        vendors = {good.code for trouble in samples(troubles).values() for good in trouble.order.units}
        async with database.tx(OPERATOR) as tx:
            keys = {code: await auth.issue_key(tx, Actor("vendor", code)) for code in sorted(vendors)}
        try:
            stories = Stories(self._web, operator, {code: issued.key for code, issued in keys.items()})
            return verdicts + await stories.check(troubles, buyers.placed, buyers.owners)
        finally:
            async with database.tx(OPERATOR) as tx:
                for issued in keys.values():
                    await auth.revoke(tx, issued.id)

    @property
    def _expected(self) -> Expected:
        return expect(self._history.orders, COMMISSION_BPS, self._troubles.of)

    def _bar(self, name: str, total: int) -> Callable[[int], None]:
        task = self._bars.add_task(name, total=total)

        def tell(more: int) -> None:
            self._bars.advance(task, more)

        return tell

    def _tell(self, text: str) -> None:
        self._bars.console.print(text, highlight=False)


def _first(failed: Exception) -> Exception:
    """The first says what went wrong, the others follow from it."""
    while isinstance(failed, ExceptionGroup):
        failed = cast("ExceptionGroup[Exception]", failed).exceptions[0]
    return failed


def _is_right(order: dict[str, Any]) -> bool:
    return order["state"] == COMPLETED and order["payment"]["captured"] == order["total"]
