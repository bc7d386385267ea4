"""One market for all faults, made anew after a fault that broke it; and the table that the suite writes."""

import itertools
import shutil
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio

from tests.faults import report
from tests.faults.buying import Buyers
from tests.faults.market import Market
from tests.faults.proof import proven, settled
from tests.faults.report import LAWS, Row

ACME = """
[[config.faults]]
do = "crash"
sku = "crash-before"
times = 2

[[config.faults]]
do = "crash_after"
sku = "crash-after"
times = 2

[[config.faults]]
do = "pend"
on = "shipping.ship"
sku = "never-sent"

[[config.faults]]
do = "twice"
sku = "twice"

[[config.faults]]
do = "unheard"
sku = "unheard"
probability = 0.2
times = 1
each = true
"""
VENDORS = {"acme": ACME, "bolt": "", "cedar": ""}
_numbers = itertools.count(1)


@dataclass
class Suite:
    """What lives as long as the session."""

    scratch: Path
    market: Market | None = None
    is_sound: bool = True
    rows: list[Row] = field(default_factory=list[Row])


@pytest_asyncio.fixture(scope="session")
async def suite(scratch: Path, request: pytest.FixtureRequest) -> AsyncIterator[Suite]:
    suite = Suite(scratch)
    yield suite
    if suite.market:
        await suite.market.close()
    config = request.config
    chosen = str(config.getoption("-m"))
    if chosen != "not faults":
        whole = chosen == "faults or not faults" and config.args == ["tests/faults"] and not config.getoption("-k")
        report.written(suite.rows, whole=whole)


@pytest_asyncio.fixture
async def market(suite: Suite) -> AsyncIterator[Market]:
    """The market, whole; another one if the last test has left it in ruins."""
    if suite.market and not suite.is_sound:
        await suite.market.close()
        shutil.rmtree(suite.market.folder, ignore_errors=True)
        suite.market = None
    if suite.market is None:
        suite.market = await Market(suite.scratch / f"faults-{next(_numbers)}", VENDORS).open()
    suite.is_sound = False  # until proven
    yield suite.market
    suite.market.clear()
    await suite.market.ready()


@pytest.fixture
def buyers(market: Market) -> Buyers:
    """Customers of this test."""
    return Buyers(market)


@dataclass
class Proof:
    """Ends a test: everything comes to rest, everything is checked, the row is written."""

    suite: Suite
    market: Market
    buyers: Buyers

    async def __call__(
        self, struck: dict[tuple[str, str], int], *, invariant: str = LAWS, allowed: Collection[str] = ("completed",)
    ) -> None:
        """`struck`: how often, by number and name of the fault; each must have struck."""
        self.market.clear()
        orders, ended, result = self.buyers.orders, "", "BROKEN"
        try:
            await settled(self.market, orders)
            states = await proven(self.market, orders, allowed=allowed)
            ended = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
            missed = [name for (_, name), times in struck.items() if not times]
            assert missed == [], f"struck nothing: {missed}"
            result = "held"
        finally:
            self.suite.rows += [Row(*fault, invariant, len(orders), times, ended, result) for fault, times in struck.items()]
        self.suite.is_sound = self.suite.is_sound or self.market is self.suite.market


@pytest.fixture
def proof(suite: Suite, market: Market, buyers: Buyers) -> Proof:
    """Call it last."""
    return Proof(suite, market, buyers)
