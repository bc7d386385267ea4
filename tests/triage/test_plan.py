"""Many letters are replayed as a plan: a frozen set, a canary, a ramp, a gate, a result for each, and never one twice."""

from typing import Any

import msgspec
import pytest
from sqlalchemy import text

from hub.kernel.errors import Conflict, Invalid
from hub.runtime.database import Tx
from hub.triage import plan as plans
from hub.triage import quarantine
from hub.triage.by_itself import NewRule, make, replay_by_itself, would
from hub.triage.find import groups
from hub.triage.plan import NewPlan, PlanView
from hub.triage.quarantine import NewQuarantine
from hub.triage.replay import Asked, replay
from hub.triage.states import ItemState, PlanEvent
from tests.triage.spokes import Spokes

OK, FAILED, SKIPPED, WAITING, SENT = ItemState.OK, ItemState.FAILED, ItemState.SKIPPED, ItemState.WAITING, ItemState.SENT


async def dead(spokes: Spokes, number: int) -> None:
    for _ in range(number):
        await spokes.order()
    for step in await spokes.asked():
        await spokes.dies(step)


async def made(spokes: Spokes, **new: Any) -> PlanView:
    said = {"filter": {"target": "acme"}, "reason": "mended", "canary": 2, "rate": 100.0, **new}
    asked = msgspec.convert(said, NewPlan)
    return await spokes.shop.act(lambda tx: plans.preview(tx, asked))


async def act(spokes: Spokes, plan: PlanView, event: PlanEvent) -> PlanView:
    return await spokes.shop.act(lambda tx: plans.act(tx, plan.id, event, why="because"))


async def seen(spokes: Spokes, plan: PlanView) -> tuple[str, dict[ItemState, int]]:
    async with spokes.database.reading() as tx:
        now = await plans.view(tx, plan.id)
    return now.state, {state: number for state, number in now.items.items() if number}


async def round_(spokes: Spokes, *, failing: int = 0) -> int:
    """The plan sends, the spokes answer (the first `failing` die again), and it is seen what came of it; how many were sent."""
    await spokes.drive()
    sent = await spokes.asked()
    for number, step in enumerate(sent):
        await (spokes.dies(step) if number < failing else spokes.works(step))
    await spokes.settle()
    return len(sent)


async def test_first_a_few_then_ever_more_until_all_have_ended(spokes: Spokes) -> None:
    await dead(spokes, 9)
    plan = await made(spokes)
    assert (plan.state, plan.size, [(risk.amount, risk.currency) for risk in plan.at_risk]) == ("previewed", 9, [(9 * 2490, "EUR")])
    await spokes.drive()
    assert await spokes.asked() == [], "nothing is sent before it is started"
    await act(spokes, plan, PlanEvent.START)
    assert [await round_(spokes) for _ in range(5)] == [2, 1, 2, 4, 0]
    assert await seen(spokes, plan) == ("done", {OK: 9})
    assert {letter.state for letter in await spokes.letters()} == {"resolved"}


async def test_a_canary_that_fails_pauses_it_and_resumed_it_is_tried_again(spokes: Spokes) -> None:
    await dead(spokes, 5)
    plan = await made(spokes)
    await act(spokes, plan, PlanEvent.START)
    assert await round_(spokes, failing=1) == 2
    assert await round_(spokes) == 0
    assert await seen(spokes, plan) == ("paused", {OK: 1, FAILED: 1, WAITING: 3})
    await act(spokes, plan, PlanEvent.RESUME)
    assert [await round_(spokes) for _ in range(4)] == [2, 1, 1, 0]
    assert await seen(spokes, plan) == ("done", {OK: 5})


async def test_too_many_failures_pause_it_later_too(spokes: Spokes) -> None:
    await dead(spokes, 8)
    plan = await made(spokes, failures_max=1)
    await act(spokes, plan, PlanEvent.START)
    assert [await round_(spokes, failing=number) for number in (0, 1, 2, 0)] == [2, 1, 2, 0]
    assert (await seen(spokes, plan))[0] == "paused"


async def test_what_has_changed_since_is_skipped_and_told(spokes: Spokes) -> None:
    await dead(spokes, 4)
    plan = await made(spokes)
    one, two, three, _ = await spokes.letters()
    await spokes.shop.act(lambda tx: replay(tx, spokes.timing, one.id, Asked(why="by hand")))
    await spokes.shop.cancel(two.saga_id or "")
    await act(spokes, plan, PlanEvent.START)
    for _ in range(4):
        await round_(spokes)
    state, number = await seen(spokes, plan)
    assert (state, number) == ("done", {OK: 2, SKIPPED: 2})
    async with spokes.database.reading() as tx:
        why = {item.letter_id: item.why for item in await plans.items(tx, plan.id)}
    assert why[one.id] == "changed"
    assert why[two.id].startswith("not_replayable")
    assert why[three.id] == "answered: ok"


async def test_nothing_is_sent_before_a_breaker_that_is_open_or_to_who_is_down(spokes: Spokes) -> None:
    await dead(spokes, 2)
    await pulse(spokes, '{"orders": "open"}')
    plan = await made(spokes)
    await act(spokes, plan, PlanEvent.START)
    assert await round_(spokes) == 0
    async with spokes.database.reading() as tx:
        assert (await plans.get(tx, plan.id)).held == "acme: the breaker of orders is open"
    await pulse(spokes, '{"orders": "closed"}')
    assert await round_(spokes) == 2


async def pulse(spokes: Spokes, breakers: str, closed_at: str = "{}") -> None:
    row = text(
        "INSERT INTO vendor_liveness (vendor, boot_id, breakers, since, seen_at, closed_at) "
        "VALUES (:code, 'b', CAST(:breakers AS jsonb), now(), now(), CAST(:closed AS jsonb)) "
        "ON CONFLICT (vendor) DO UPDATE SET breakers = excluded.breakers, seen_at = now(), closed_at = excluded.closed_at"
    )

    async def write(tx: Tx) -> None:
        for code in ("@hub", "acme"):
            await tx.execute(row, {"code": code, "breakers": breakers if code == "acme" else "{}", "closed": closed_at})

    await spokes.shop.act(write)


async def test_what_is_put_in_quarantine_on_the_way_is_skipped(spokes: Spokes) -> None:
    await dead(spokes, 4)
    plan = await made(spokes)
    await act(spokes, plan, PlanEvent.START)
    await round_(spokes)
    letter = (await spokes.letters())[0]
    bar = NewQuarantine(what="fingerprint", value=letter.fingerprint, reason="it kills")
    await spokes.shop.act(lambda tx: quarantine.put(tx, bar))
    for _ in range(3):
        assert await round_(spokes) == 0
    assert await seen(spokes, plan) == ("done", {OK: 2, SKIPPED: 2})
    async with spokes.database.reading() as tx:
        (group,) = await groups(tx)
    assert (group.count, group.quarantined, group.at_risk[0].amount) == (2, True, 2 * 2490)


async def test_aborted_it_sends_nothing_more(spokes: Spokes) -> None:
    await dead(spokes, 4)
    plan = await made(spokes)
    await act(spokes, plan, PlanEvent.START)
    await spokes.drive()
    sent = await spokes.asked()
    await act(spokes, plan, PlanEvent.ABORT)
    assert await seen(spokes, plan) == ("aborted", {SENT: 2, SKIPPED: 2})
    for step in sent:
        await spokes.works(step)
    await spokes.settle()
    assert await round_(spokes) == 0
    assert await seen(spokes, plan) == ("aborted", {OK: 2, SKIPPED: 2})
    with pytest.raises(Conflict) as no:
        await act(spokes, plan, PlanEvent.RESUME)
    assert no.value.slug == "illegal_transition"


async def test_a_plan_of_nothing_is_refused(spokes: Spokes) -> None:
    with pytest.raises(Invalid) as no:
        await made(spokes)
    assert (no.value.slug, no.value.field) == ("empty", "/filter")
    async with spokes.database.reading() as tx:
        assert await plans.browse(tx, after=None, limit=9) == []


async def test_a_rule_replays_by_itself_once_the_breaker_has_closed_and_not_for_ever(spokes: Spokes) -> None:
    await dead(spokes, 2)
    rule = await spokes.shop.act(lambda tx: make(tx, NewRule(reason="their API comes back", target="acme", tries_max=1)))

    async def found() -> int:
        async with spokes.database.reading() as tx:
            return (await would(tx, spokes.timing, rule)).count

    await pulse(spokes, '{"orders": "open"}')
    assert await found() == 0
    await replay_by_itself(spokes.database, spokes.timing)
    await pulse(spokes, '{"orders": "closed"}', '{"orders": "2100-01-01T00:00:00+00:00"}')
    assert await found() == 2
    await replay_by_itself(spokes.database, spokes.timing)
    await replay_by_itself(spokes.database, spokes.timing)  # another worker, a moment later
    async with spokes.database.reading() as tx:
        (plan,) = await plans.browse(tx, after=None, limit=9)
    assert (plan.rule_id, plan.state, plan.made_by) == (rule.id, "running", f"hub:{rule.id}")
    assert await round_(spokes, failing=2) == 2
    await spokes.drive()
    await act(spokes, await _view(spokes, plan.id), PlanEvent.ABORT)
    assert await found() == 0, "each letter was tried as often as the rule may"


async def _view(spokes: Spokes, plan_id: str) -> PlanView:
    async with spokes.database.reading() as tx:
        return await plans.view(tx, plan_id)
