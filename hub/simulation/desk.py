"""Operators at their desk: they replay dead letters one by one and by plan, give some up, and think better of it now and then."""

from collections.abc import Awaitable, Callable
from typing import Any

from hub.checkout.timing import Timing
from hub.runtime.database import Tx
from hub.simulation.buyers import OPERATOR
from hub.simulation.edge import Answer, Edge, Request
from hub.simulation.nature import Nature
from hub.simulation.postgres.server import Memory
from hub.triage import plan as plans
from hub.triage.discard import Discard, discard, restore
from hub.triage.find import Filter
from hub.triage.plan import NewPlan
from hub.triage.replay import Asked, replay
from hub.triage.states import PlanEvent
from vendor_sdk.messages import COMMANDS

GRACE = 600.0
TRIES = 12
PLAN_AT = 3
"""So many open letters are worth a plan."""
LOOKS_MAX = 6
"""After which a letter is left as it is, and a plan that is paused aborted."""

Act = Callable[[Tx], Awaitable[Any]]


class Desk:
    """Looks through what vendors' spokes gave up on."""

    def __init__(self, nature: Nature, edge: Edge, memory: Memory, timing: Timing) -> None:
        self._nature = nature
        self._edge = edge
        self._memory = memory
        self._timing = timing
        self._dice = nature.dice("desk")
        self._looked: dict[str, int] = {}

    async def look(self) -> None:
        """Each open letter once, then the plans."""
        letters = [letter for letter in self._open() if self._look_at(letter) <= LOOKS_MAX]
        if len(letters) >= PLAN_AT and self._dice.random() < 0.5:  # noqa: PLR2004  # every other time
            await self._plan(letters)
        else:
            for letter in letters:
                await self._mend(letter)
        for plan_id in self._in_state("replay_plans", "previewed", "paused"):
            event = PlanEvent.ABORT if self._look_at(plan_id) > LOOKS_MAX else self._next(plan_id)
            await self._do(f"{event} {plan_id}", lambda tx, p=plan_id, e=event: plans.act(tx, p, e, why=e))

    async def _mend(self, letter: str) -> None:
        match self._dice.choice(("replay", "replay", "replay", "cancel", "reroute", "regret", "nothing")):
            case "replay":
                await self._do(f"replay {letter}", lambda tx: replay(tx, self._timing, letter, Asked(why="mended")))
            case "cancel" | "reroute" as how:
                await self._give_up(letter, how)
            case "regret":
                if (await self._give_up(letter, "cancel")).kind == "ok":
                    await self._do(f"restore {letter}", lambda tx: restore(tx, letter, "too soon", version=None))
            case _:
                pass

    async def _give_up(self, letter: str, how: Any) -> Answer:
        asked = Discard(reason="hopeless", compensation=how)
        return await self._do(f"{how} {letter}", lambda tx: discard(tx, letter, asked, version=None, grace=GRACE))

    async def _plan(self, letters: list[str]) -> None:
        new = NewPlan(filter=Filter(ids=letters), reason="all of them", canary=2, rate=20, failures_max=2)
        await self._do(f"plan for {len(letters)}", lambda tx: plans.preview(tx, new))

    async def _do(self, what: str, act: Act) -> Answer:
        return await self._edge.ask(Request(OPERATOR, what, act, f"{what} {self._nature.unix()}"), tries=TRIES)

    def _open(self) -> list[str]:
        table = self._memory.tables["dead_letters"]
        at = table.position
        return [
            row[at["id"]]
            for row in table.rows.values()
            if row[at["state"]] == "open" and row[at["source"]] == "step" and row[at["kind"]] in COMMANDS
        ]

    def _in_state(self, name: str, *states: str) -> list[str]:
        table = self._memory.tables[name]
        at = table.position
        return [row[at["id"]] for row in table.rows.values() if row[at["state"]] in states]

    def _next(self, plan_id: str) -> PlanEvent:
        return PlanEvent.START if plan_id in self._in_state("replay_plans", "previewed") else PlanEvent.RESUME

    def _look_at(self, subject: str) -> int:
        self._looked[subject] = self._looked.get(subject, 0) + 1
        return self._looked[subject]
