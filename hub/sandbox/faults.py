"""Faults on order: which calls are to go wrong, how, and how often."""

import asyncio
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


class Faults:
    """The faults still to come and those that struck."""

    def __init__(self) -> None:
        self.all: list[Fault] = []

    def take(self, method: str, path: str) -> Fault | None:
        """The fault that strikes this call, counted as struck."""
        for fault in self.all:
            if fault.struck < fault.times and fnmatchcase(f"{method} {path}", fault.match):
                if fault.skip:
                    fault.skip -= 1
                    continue
                fault.struck += 1
                return fault
        return None


async def until_gone(receive: Callable[[], Awaitable[MutableMapping[str, Any]]]) -> None:
    """Wait until the caller has hung up."""
    try:
        async with asyncio.timeout(HANG_SECONDS_MAX):
            while (await receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return
