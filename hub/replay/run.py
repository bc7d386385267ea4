"""Replays recorded orders on a hub, from the vendors' admission to the last check."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from hub.embedded.folder import Folder, Running
from hub.replay import verdict
from hub.replay.buy import Buyers
from hub.replay.check_books import COMPLETED, balances, check_books, check_laws, check_orders, check_stock
from hub.replay.check_provider import check_provider
from hub.replay.check_vendors import check_vendors
from hub.replay.expected import Expected, expect
from hub.replay.files import CURRENCY, History, read
from hub.replay.follow import Follower
from hub.replay.hub import hub_for
from hub.replay.kills import Kill, Killer
from hub.replay.open_shops import COMMISSION_BPS, Presence, open_shops, register_buyers
from hub.replay.verdict import Verdict, no_exceptions
from hub.replay.web import Web, session
from hub.runtime import auth, logs
from hub.runtime.database import Actor
from hub.settings import Settings, load_settings
from hub.vendors import store as vendors
from hub.wiring import Wiring, wire

OPERATOR = Actor("operator", "replay")
CONNECT_SECONDS = 15.0


class LawsBroken(RuntimeError):
    """The orders did not all end right; the text names the laws."""


class HasBooks(RuntimeError):
    """The hub has booked money in this currency before, so that its books cannot be compared to the files."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How to replay: so many buyers at once; `limit` orders (None: all); with `kill`, parts are killed as `seed` says."""

    buyers: int = 16
    limit: int | None = None
    kill: bool = False
    seed: int = 1


def replay(orders: Path, data: Path | None, plan: Plan, loop: object = asyncio.run) -> None:
    """Replay the files in `orders` on the hub of `data`, or on one of its own. Raises `BadFile`, `LawsBroken` and what setting up raises."""
    history = read(orders, plan.limit)
    console = Console()
    with hub_for(data) as (running, folder):
        settings = load_settings(environ=running.environment)
        verdicts = asyncio.run(Replay(settings, running, folder, history, plan, console).run())
        console.print(verdict.table(verdicts))
        broken = [each.law for each in verdicts if not each.holds]
        if broken:
            raise LawsBroken("broken: " + "; ".join(broken))
    console.print(f"[green]all {len(history.orders)} orders ended right[/]")
