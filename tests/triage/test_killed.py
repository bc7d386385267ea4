"""A worker killed in the middle of a plan: another goes on, no letter is left out and none is sent twice."""

import asyncio
import random
import subprocess
import sys

import msgspec

from hub.triage import plan as plans
from hub.triage.plan import NewPlan
from hub.triage.states import PlanEvent
from tests.conftest import MakeDatabase
from tests.shop import open_shop
from tests.triage.spokes import Spokes

LETTERS = 60
KILLS = 5


async def test_each_letter_is_sent_once_whoever_is_killed_and_when(fresh_database: MakeDatabase) -> None:
    url = await fresh_database()
    shop = await open_shop(url, "acme")
    await shop.sql("UPDATE vendors SET capabilities = '{orders,shipping}'")
    spokes = Spokes(shop)
    for _ in range(LETTERS):
        await spokes.order()
    for step in await spokes.asked():
        await spokes.dies(step)
    attempts = {letter.step_id: letter.attempts for letter in await spokes.letters()}
    asked = msgspec.convert({"filter": {}, "reason": "mended", "canary": 3, "rate": 100}, NewPlan)
    plan = await shop.act(lambda tx: plans.preview(tx, asked))
    await shop.act(lambda tx: plans.act(tx, plan.id, PlanEvent.START, why="go"))
    dice = random.Random(7)
    for _ in range(KILLS):
        worker = await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.triage.driver", url, stdout=subprocess.PIPE)
        assert worker.stdout is not None
        await worker.stdout.readline()
        await shop.sql("UPDATE replay_plans SET due_at = now() WHERE state = 'running'")  # as if the dead one's lease had ended
        await asyncio.sleep(dice.uniform(0.02, 0.5))
        worker.kill()
        await worker.wait()
        await answered(spokes, attempts)
    while await left(spokes, plan.id):
        await spokes.drive()
        await answered(spokes, attempts)
    for letter in await spokes.letters():
        times = await shop.scalar("SELECT count(*) FROM audit_log WHERE what = 'dead_letter.replayed' AND subject_id = :id", id=letter.id)
        assert (letter.state, times) == ("resolved", 1)
    assert await shop.breaches() == []
    await shop.close()


async def answered(spokes: Spokes, attempts: dict[str | None, int]) -> None:
    for step in await spokes.asked():
        assert step.attempt == attempts[step.id] + 2, "sent again once, and no more"
        await spokes.works(step)
    await spokes.settle()


async def left(spokes: Spokes, plan_id: str) -> bool:
    async with spokes.database.reading() as tx:
        number = await plans.counts(tx, plan_id)
    return any(number[state] for state in number if state in {"waiting", "sent"})
