"""Named points: where on its way to another part a process is struck."""

import signal
from dataclasses import dataclass

from tests.faults.market import Market
from tests.faults.proxy import Moment, Proxy, Trap


@dataclass(frozen=True)
class Point:
    """Where `victim` dies: at what passes on its way to `proxy`."""

    number: str
    name: str
    victim: str
    proxy: str
    pattern: bytes
    moment: Moment


def lay(market: Market, point: Point, *, how: signal.Signals = signal.SIGKILL, times: int = 1, skip: int = 0) -> Trap:
    """A trap at a point; what is only stopped keeps its connection."""
    proxy: Proxy = getattr(market, point.proxy)
    spares = how == signal.SIGSTOP
    return proxy.trap(Trap(point.pattern, lambda: market.signal(point.victim, how), point.moment, skip=skip, times=times, spares=spares))
