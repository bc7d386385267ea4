"""Kills parts of the hub with SIGKILL at random moments, and remembers how it went."""

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import msgspec

from hub.replay.follow import Follower
from hub.replay.verdict import Verdict

VICTIMS = {"worker": "worker", "spokes": "spokes", "broker": "nats-server"}
"""What is killed, and the word of its command line that tells it from the supervisor's other children."""
FIRST, LAST = 0.05, 0.95
"""Between which parts of the placing the kills fall."""
DELAY_SECONDS = 2.0
BACK_SECONDS = 60.0
AGAIN_SECONDS = 0.2
PROC = Path("/proc")


class NotBack(RuntimeError):
    """A part that was killed did not come back."""


class Kill(msgspec.Struct, frozen=True):
    """One kill: `seconds` since the first order, the process that died, and the orders on their way at that moment."""

    seconds: float
    victim: str
    pid: int
    under_way: int

    def __str__(self) -> str:
        return f"{self.seconds:7.1f} s  SIGKILL {self.victim:<7} (process {self.pid}), {self.under_way} orders on their way"


class Killer:
    """Kills each victim `rounds` times while orders are placed, each time with orders on their way."""

    def __init__(self, supervisor: int, orders: int, plan: tuple[int, int], follower: Follower, tell: Callable[[Kill], None]) -> None:
        if not PROC.is_dir():
            raise NotBack("--kill finds its victims in /proc, which is not here")
        self._rounds, seed = plan
        chance = random.Random(seed)  # noqa: S311 - not for secrets: a run can be repeated
        victims = list(VICTIMS) * self._rounds
        chance.shuffle(victims)
        moments = sorted(chance.uniform(FIRST, LAST) * orders for _ in victims)
        self._plan = list(zip(moments, victims, strict=True))
        self._chance = chance
        self._supervisor = supervisor
        self._orders = orders
        self._follower = follower
        self._tell = tell
        self._reached = 0
        self._slack = 0
        self._moved = asyncio.Condition()
        self.kills: list[Kill] = []

    async def gate(self, number: int, slack: int) -> None:
        """Let order `number` be placed once every kill is done that was due `slack` orders earlier."""
        async with self._moved:
            self._reached = max(self._reached, number)
            self._moved.notify_all()
            await self._moved.wait_for(lambda: self._may_pass(number - slack))

    async def run(self) -> None:
        """Kill as planned. Raises `NotBack`."""
        begun = time.monotonic()
        for moment, victim in self._plan:
            async with self._moved:
                await self._moved.wait_for(lambda moment=moment: self._reached >= moment)
            await asyncio.sleep(self._chance.uniform(0, DELAY_SECONDS))
            pid = await self._alive(victim)
            await self._see_orders()
            os.kill(pid, signal.SIGKILL)
            kill = Kill(time.monotonic() - begun, victim, pid, self._follower.under_way)
            self._tell(kill)
            async with self._moved:
                self.kills.append(kill)
                self._moved.notify_all()
        for victim in VICTIMS:
            await self._alive(victim)

    def verdict(self) -> Verdict:
        """Each victim died often enough, and each time orders were on their way."""
        hits = Counter(kill.victim for kill in self.kills if kill.under_way)
        wanted = dict.fromkeys(VICTIMS, self._rounds)
        return Verdict(
            "kills that hit a living process with orders on their way", str(wanted), str({victim: hits[victim] for victim in VICTIMS})
        )

    def _may_pass(self, number: int) -> bool:
        return len(self.kills) == len(self._plan) or self._plan[len(self.kills)][0] > number - self._slack

    async def _see_orders(self) -> None:
        """Wait until an order is on its way, and let one more be placed while none is."""
        await self._follower.look()
        while not self._follower.under_way and self._follower.ended < self._orders:
            async with self._moved:
                self._slack += 1
                self._moved.notify_all()
            await asyncio.sleep(AGAIN_SECONDS)
            await self._follower.look()

    async def _alive(self, victim: str) -> int:
        """The living victim, which is not one that was killed before."""
        dead = {kill.pid for kill in self.kills}
        until = time.monotonic() + BACK_SECONDS
        while time.monotonic() < until:
            if (pid := find_child(self._supervisor, VICTIMS[victim])) is not None and pid not in dead:
                return pid
            await asyncio.sleep(0.05)
        raise NotBack(f"{victim} did not come back within {BACK_SECONDS:.0f} s")


def find_child(parent: int, word: str) -> int | None:
    """The child of `parent` whose command line has `word` in it, as a program's or a command's name."""
    for entry in PROC.glob("[0-9]*"):
        try:
            state, owner = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if owner == str(parent) and state != "Z" and any(Path(part.decode(errors="replace")).name == word for part in words):
            return int(entry.name)
    return None
