"""Triage: the grouped list over 100,000 dead letters, and a bulk replay of 10,000 of them by what the worker runs, with its memory."""

import asyncio
import gc
import os
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import quantiles
from typing import Any

import httpx
import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from hub.checkout.conclude import give_up
from hub.embedded.children import Python
from hub.embedded.ports import claim_port
from hub.letters.fingerprint import fingerprint
from hub.runtime import auth, steps
from hub.runtime.database import Actor, Database
from hub.runtime.steps import Outcome
from hub.triage import find, plan
from hub.triage.drive import drive_plans
from hub.triage.find import Filter
from hub.triage.plan import NewPlan
from hub.triage.settle import Settler
from hub.triage.states import ItemState, PlanEvent, PlanState
from tests.bench.figures import Goal
from tests.bench.ground import Ground
from tests.bench.picture import Bars
from tests.bench.report import Found, Sheet
from tests.bench.usage import resident_mib
from tests.shop import Shop, open_shop

VENDORS = [f"vendor-{number}" for number in range(10)]
GROUPS_OF_VENDOR = 20
STRIDE = 7_919
"""Prime to OF_VENDOR: letters of one group do not lie side by side."""

LOOKS = 100
TARGET_MS = 100
SUBMIT = "orders.submit"
OPERATOR = Actor("operator", "bench")
ROUNDS_MAX = 5_000
REASONS = ("malformed", "misconfigured", "needs_reauth", "unsupported", "max_deliveries")


class Latency(msgspec.Struct, frozen=True):
    """Milliseconds."""

    p50_ms: float
    p95_ms: float


class Seen(msgspec.Struct, frozen=True):
    """The memory after a round in which so many had ended well."""

    ok: int
    mib: float
    blocks: int


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """A bulk replay, and the memory of the process that drives it: after the first tenth, at most, at the end.

    In MiB what is resident; in blocks what Python holds, which no memory that was freed before can hide.
    """

    letters: int
    preview_seconds: float
    rounds: int
    seconds: float
    warm_mib: float
    most_mib: float
    end_mib: float
    warm_blocks: int
    most_blocks: int
    end_blocks: int


class Triage(msgspec.Struct, frozen=True, kw_only=True):
    """The figures; `groups` as the API's process finds them for itself, `over_http` as an operator gets them.

    `load` is the machine's over the minute before the lists were asked for: beside other work they take as much longer.
    """

    letters: int
    groups_found: int
    load: float
    unvacuumed: Latency
    groups: Latency
    over_http: Latency
    page_over_http: Latency
    plan_of_groups: list[str]
    replayed: Replayed


async def measure(ground: Ground) -> Found:
    """On a database of its own."""
    return _found(await triage(await ground.fresh("bench_triage"), ground.folder / "triage", ground.pace.letters))


async def triage(database_url: str, folder: Path, many: int) -> Triage:
    """A marketplace whose ten vendors could not be told of so `many` orders each."""
    shop = await open_shop(database_url, *VENDORS)
    database = shop.wiring.database
    for vendor in VENDORS:
        await _fill(shop, vendor, many)
    unvacuumed = await _latency(lambda: _groups(database))
    await _vacuum(database_url)
    found, load = await _groups(database), os.getloadavg()[0]
    alone = await _latency(lambda: _groups(database))
    over_http, page = await _over_http(database_url, database, folder)
    explained = await _explained(database)
    replayed = await _replay(shop, many)
    await shop.close()
    return Triage(
        letters=sum(group.count for group in found),
        groups_found=len(found),
        load=load,
        unvacuumed=unvacuumed,
        groups=alone,
        over_http=over_http,
        page_over_http=page,
        plan_of_groups=explained,
        replayed=replayed,
    )


CLONE = """
INSERT INTO {table} SELECT (jsonb_populate_record(t, jsonb_build_object({values}))).*
FROM {table} t, generate_series(1, :many) n {more} WHERE t.id = :of
"""
ORDERS = text(CLONE.format(table="orders", more="", values="'id', t.id || '_' || n, 'quote_id', t.quote_id || '_' || n"))
STEPS = text(CLONE.format(table="steps", more="", values="'id', t.id || '_' || n, 'saga_id', t.saga_id || '_' || n"))
LETTERS = text(
    CLONE.format(
        table="dead_letters",
        more="JOIN bench_groups g ON (n * :stride) % :many >= g.low AND (n * :stride) % :many < g.high",
        values="""'id', t.id || '_' || n, 'identity', t.identity || '_' || n, 'step_id', t.step_id || '_' || n,
        'saga_id', t.saga_id || '_' || n, 'reason', g.reason, 'detail', g.detail, 'fingerprint', g.fingerprint,
        'at_risk', 500 + n % 20000, 'created_at', t.created_at - make_interval(secs => n * 20)""",
    )
)
GROUPS = """CREATE TABLE IF NOT EXISTS bench_groups (reason text, detail text, fingerprint text, low int, high int)"""


async def _fill(shop: Shop, vendor: str, many: int) -> None:
    """One order is placed, paid for and given up on before its vendor, as any other; then it is multiplied, with step and letter."""
    order = await shop.place((vendor, "mug", 2000, 1))
    await shop.run()
    async with shop.wiring.database.tx() as tx:
        (step,) = [step for step in await steps.of_saga(tx, order) if step.kind == SUBMIT]
        await give_up(tx, shop.wiring.timing, step, Outcome.dead(REASONS[0], "the first"))
    letter = await shop.scalar("SELECT id FROM dead_letters WHERE step_id = :step", step=step.id)
    await shop.sql(GROUPS)
    await shop.sql("TRUNCATE bench_groups")
    async with shop.wiring.database.tx() as tx:
        for group in _shares(vendor, many):
            await tx.execute(text("INSERT INTO bench_groups VALUES (:reason, :detail, :fingerprint, :low, :high)"), group)
        for statement, of, more in ((ORDERS, order, {}), (STEPS, step.id, {}), (LETTERS, letter, {"stride": STRIDE})):
            await tx.execute(statement, {"of": of, "many": many, **more})
        for table, of in (("dead_letters", letter), ("steps", step.id)):  # the first has been the model and is no more
            await tx.execute(text(f"DELETE FROM {table} WHERE id = :of"), {"of": of})


def _shares(vendor: str, many: int) -> list[dict[str, Any]]:
    """A few failures are very frequent, many are rare: the k-th has a share of 1/k."""
    weights = [1 / rank for rank in range(1, GROUPS_OF_VENDOR + 1)]
    ends = [round(many * sum(weights[:rank]) / sum(weights)) for rank in range(GROUPS_OF_VENDOR + 1)]
    groups: list[dict[str, Any]] = []
    for rank, (low, high) in enumerate(pairwise(ends)):
        reason, detail = REASONS[rank % len(REASONS)], f"way {'abcdefghijklmnopqrst'[rank]} of failing"
        mark = fingerprint(vendor, SUBMIT, reason, detail)
        groups.append({"reason": reason, "detail": detail, "fingerprint": mark, "low": low, "high": high})
    return groups


async def _vacuum(database_url: str) -> None:
    """As autovacuum would within minutes: the groups are read from the index alone once its pages are known to be visible to all."""
    engine = create_async_engine(database_url, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(text("VACUUM ANALYZE"))
    await engine.dispose()


async def _groups(database: Database) -> Sequence[find.Group]:
    async with database.reading() as tx:
        return await find.groups(tx)


async def _latency(look: Callable[[], Awaitable[Any]]) -> Latency:
    taken: list[float] = []
    await look()  # connections and plans are made
    for _ in range(LOOKS):
        begun = time.perf_counter()
        await look()
        taken.append((time.perf_counter() - begun) * 1000)
    cuts = quantiles(taken, n=20, method="inclusive")
    return Latency(p50_ms=cuts[9], p95_ms=cuts[18])


async def _over_http(database_url: str, database: Database, folder: Path) -> tuple[Latency, Latency]:
    """The groups, and the first page of a group's letters, of one API process."""
    async with database.tx() as tx:
        key = await auth.issue(tx, OPERATOR)
    port = claim_port(0, "--port")
    environment = {"WHEELWRIGHT__DATABASE__URL": database_url, "WHEELWRIGHT__HTTP__OPERATOR_PER_MINUTE": "10000000"}
    environment |= {"WHEELWRIGHT__LOG__LEVEL": "error"}
    api = Python("hub.cli", ["api", "--port", str(port)], env=os.environ | environment, log=folder.with_suffix(".log"))
    await asyncio.to_thread(api.launch)
    try:
        headers = {"Authorization": f"Bearer {key}"}
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=30) as http:
            await _answering(http)

            async def ask(path: str) -> httpx.Response:
                return (await http.get(f"/v1/admin/dead-letters{path}")).raise_for_status()

            group = (await ask("/groups")).json()[0]
            page = f"?limit=100&fingerprint={group['fingerprint']}"
            return await _latency(lambda: ask("/groups")), await _latency(lambda: ask(page))
    finally:
        await asyncio.to_thread(api.stop)


async def _answering(http: httpx.AsyncClient) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                await http.get("/v1/admin/dead-letters?limit=1")
            except httpx.TransportError:
                await asyncio.sleep(0.1)
            else:
                return


async def _explained(database: Database) -> list[str]:
    """How PostgreSQL finds the groups, and how long each part takes."""
    statement = str(vars(find)["_PARTS"].compile(database.engine, compile_kwargs={"literal_binds": True}))
    async with database.engine.connect() as connection:
        rows = await connection.execute(text(f"EXPLAIN (ANALYZE, BUFFERS) {statement}"))
        return [str(row[0]) for row in rows]


ANSWERED = text(
    "UPDATE steps SET state = 'done', verdict = 'ok', ended_at = now() WHERE target = :vendor AND state = 'open' AND NOT waiting"
)
AT_ONCE = text("UPDATE replay_plans SET due_at = now()")


async def _replay(shop: Shop, many: int) -> Replayed:
    """One vendor's 10,000: the worker's own rounds, one after the other without its pauses; the vendor accepts by a stroke of ours."""
    database = shop.wiring.database
    begun = time.perf_counter()
    async with database.tx(OPERATOR) as tx:
        made = await plan.preview(tx, NewPlan(filter=Filter(target=VENDORS[0]), reason="bench", canary=10, rate=1000.0))
    preview = time.perf_counter() - begun
    async with database.tx(OPERATOR) as tx:
        await plan.act(tx, made.id, PlanEvent.START, why="bench")
    begun = time.perf_counter()
    memory = await _rounds(shop, made.id)
    seconds = time.perf_counter() - begun
    async with database.reading() as tx:
        view = await plan.view(tx, made.id)
    assert (view.state, view.items[ItemState.OK]) == (PlanState.DONE, many), view
    warm = next(seen for seen in memory if seen.ok >= many / 10)
    return Replayed(
        letters=view.items[ItemState.OK],
        preview_seconds=preview,
        rounds=len(memory),
        seconds=seconds,
        warm_mib=warm.mib,
        most_mib=max(seen.mib for seen in memory),
        end_mib=memory[-1].mib,
        warm_blocks=warm.blocks,
        most_blocks=max(seen.blocks for seen in memory),
        end_blocks=memory[-1].blocks,
    )


async def _rounds(shop: Shop, plan_id: str) -> list[Seen]:
    """Round after round until the plan goes on no more; how many had ended well after each, and the memory."""
    database, settler = shop.wiring.database, Settler(shop.wiring.database)
    memory: list[Seen] = []
    while len(memory) < ROUNDS_MAX:
        await drive_plans(database, shop.wiring.timing)
        async with database.tx() as tx:
            await tx.execute(ANSWERED, {"vendor": VENDORS[0]})
            await tx.execute(AT_ONCE)
        await settler.once()
        async with database.reading() as tx:
            view = await plan.view(tx, plan_id)
        gc.collect()
        memory.append(Seen(view.items[ItemState.OK], resident_mib(os.getpid()), sys.getallocatedblocks()))
        if view.state is not PlanState.RUNNING:
            break
    return memory


def _found(t: Triage) -> Found:
    rows = [
        ("the grouped list, just loaded", t.unvacuumed.p50_ms, t.unvacuumed.p95_ms),
        ("the grouped list, after VACUUM ANALYZE", t.groups.p50_ms, t.groups.p95_ms),
        ("the same over HTTP", t.over_http.p50_ms, t.over_http.p95_ms),
        ("a page of 100 of the largest group, over HTTP", t.page_over_http.p50_ms, t.page_over_http.p95_ms),
    ]
    r = t.replayed
    notes = [
        *t.plan_of_groups,
        f"{r.letters} replayed in {r.seconds:.1f} s, {r.rounds} rounds without the worker's pauses; previewed in {r.preview_seconds:.2f} s",
        f"resident: {r.warm_mib:.1f} MiB after a tenth, at most {r.most_mib:.1f}, {r.end_mib:.1f} at the end",
        f"blocks held: {r.warm_blocks}, at most {r.most_blocks}, {r.end_blocks}",
        f"load of the machine meanwhile: {t.load:.1f} on {os.cpu_count()} cores",
    ]
    title = f"{t.letters} open letters in {t.groups_found} groups"
    sheet = Sheet(title=title, columns=("", "p50 ms", "p95 ms"), rows=rows, notes=notes)
    picture = Bars(
        name="triage",
        title=title,
        unit="ms",
        groups=["just loaded", "vacuumed", "over HTTP", "a page of 100"],
        series={"p50": [row[1] for row in rows], "p95": [row[2] for row in rows]},
        target=TARGET_MS,
    )
    goal = Goal(
        says=f"grouped list of {t.letters} dead letters over HTTP: p95 in ms", reached=t.over_http.p95_ms, target=TARGET_MS, at_most=True
    )
    return Found(figures=t, sheets=[sheet], pictures=[picture], goals=[goal])
