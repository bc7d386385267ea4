"""Faults on order: which calls are to go wrong, how, and how often."""

import asyncio
import random
from collections.abc import Awaitable, Callable, MutableMapping
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Annotated, Any

import msgspec
from msgspec import Meta

HANG_SECONDS_MAX = 300.0


class Mode(StrEnum):
    """How a call goes wrong."""

    HANG_BEFORE = "hang_before"
    """Nothing is done and nothing is answered until the caller gives up."""
    HANG_AFTER = "hang_after"
    """It is done, but never answered."""
    DROP_BEFORE = "drop_before"
    """The connection is cut, nothing is done."""
    DROP_AFTER = "drop_after"
    """It is done, then the connection is cut."""
    ERROR_BEFORE = "500_before"
    """500, nothing is done, nothing saved."""
    ERROR_SAVED = "500_saved"
    """It is done, but a 500 is answered and saved under the key."""
    ERROR_BURNT = "500_burnt"
    """Nothing is done, and a 500 is answered and saved under the key."""
    GARBAGE = "garbage"
    """It is done, but the answer is a 200 that is not JSON."""
    RATE_LIMITED = "429"
    """Nothing is done, nothing saved."""
    SLOW = "slow"
    """It is done `seconds` later, whether or not the caller still waits."""


class Fault(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One order for trouble. `match` is ``METHOD /path`` and may hold ``*``; `skip` lets that many calls pass first."""

    match: str
    mode: Mode
    times: Annotated[int, Meta(ge=1)] = 1
    skip: Annotated[int, Meta(ge=0)] = 0
    seconds: Annotated[float, Meta(ge=0)] = 1.0
    struck: int = 0


class Rate(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Trouble for a share of the calls that match: the same calls for the same `seed`, each in a mode drawn from `modes`."""

    match: str
    modes: Annotated[list[Mode], Meta(min_length=1)]
    rate: Annotated[float, Meta(gt=0, le=1)]
    seed: int = 0
    seconds: Annotated[float, Meta(ge=0)] = 0.05
    seen: int = 0
    struck: dict[Mode, int] = msgspec.field(default_factory=dict[Mode, int])


class Faults:
    """The faults still to come and those that struck."""

    def __init__(self) -> None:
        self.all: list[Fault | Rate] = []
        self._draws: dict[int, random.Random] = {}

    def order(self, body: bytes) -> None:
        """Take a `Fault`, or a `Rate` if the order says how often. Raises `msgspec.DecodeError`."""
        asked: Any = msgspec.json.decode(body)
        rate = isinstance(asked, dict) and "rate" in asked
        self.all.append(msgspec.convert(asked, Rate if rate else Fault))

    def clear(self) -> None:
        """No more trouble."""
        self.all.clear()
        self._draws.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """The fault that strikes this call, counted as struck."""
        if not self.all:
            return None
        name = f"{method} {path}"
        for place, fault in enumerate(self.all):
            struck = None
            if fnmatchcase(name, fault.match):
                struck = self._drawn(place, fault) if isinstance(fault, Rate) else _next(fault)
            if struck is not None:
                return struck
        return None

    def _drawn(self, place: int, rate: Rate) -> Fault | None:
        draw = self._draws.setdefault(place, random.Random(rate.seed))  # noqa: S311  # repeatable trouble, no secret
        rate.seen += 1
        # Both numbers are drawn for every call, so that the n-th call meets the same fate whatever the rate.
        chance, which = draw.random(), draw.random()
        if chance >= rate.rate:
            return None
        mode = rate.modes[int(which * len(rate.modes))]
        rate.struck[mode] = rate.struck.get(mode, 0) + 1
        return Fault(match=rate.match, mode=mode, seconds=rate.seconds)


def _next(fault: Fault) -> Fault | None:
    if fault.struck >= fault.times:
        return None
    if fault.skip:
        fault.skip -= 1
        return None
    fault.struck += 1
    return fault


async def until_gone(receive: Callable[[], Awaitable[MutableMapping[str, Any]]]) -> None:
    """Wait until the caller has hung up."""
    try:
        async with asyncio.timeout(HANG_SECONDS_MAX):
            while (await receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return
