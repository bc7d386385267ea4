"""One run from its first order to its last cent: trouble, then calm, then everything is proved."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from hub.ops import invariants
from hub.reconcile import run as reconciliation
from hub.reconcile import runs
from hub.reconcile.run import Rules
from hub.transfers.credit import pay_credits
from tests.chaos import people, proof
from tests.chaos.market import Market, open_market
from tests.chaos.office import Office
from tests.chaos.people import Life

BATCH = 38
AT_ONCE = 6
ROUNDS_MAX = 60
REST_ROUNDS_MAX = 40
NIGHT_EVERY = 3
ANSWERED = 6
"""After so many quiet rounds everybody has said what there was to say."""


@dataclass
class Verdict:
    """What came of it."""

    seed: str
    problems: list[str] = field(default_factory=list[str])
    duplicates: Counter[str] = field(default_factory=Counter[str])
    counts: Counter[str] = field(default_factory=Counter[str])
    struck: float = 0.0
    crashes: int = 0
    story: str = ""


class Chaos:
    """A market, its orders and its office."""

    def __init__(self, market: Market, seed: str, orders: int) -> None:
        self.market = market
        self._seed = seed
        self._lives = [Life.of(market, seed, number) for number in range(orders)]
        self._office = Office(market, seed)

    async def live(self) -> None:
        """Orders come in batches; people and workers go about their business at the same time; some nights no worker does."""
        waiting, living = self._lives, list[Life]()
        for number in range(ROUNDS_MAX):
            fresh, waiting = waiting[:BATCH], waiting[BATCH:]
            await asyncio.gather(*self._some(fresh, lambda life, _: life.begin()))
            living += fresh
            await self.market.make_due(60)
            await asyncio.gather(self._people(living), self._office.day(number), self.market.work())
            await self.market.end_holds()
            if number % 2:
                await self._office.hear()
            if number % NIGHT_EVERY == NIGHT_EVERY - 1:
                await self._office.night()
            living = [life for life in living if life.patience > 0]
            if not living and not waiting:
                return

    async def rest(self, rounds: int) -> None:
        """Nothing breaks any more, everybody finishes, all time passes; how long that may take is bounded."""
        m = self.market
        m.trouble.calm()
        await m.switches.turn("rules", {"reversals_need_funds": False})
        for life in self._lives:
            life.cancels, life.disputes, life.refunds = "", "", 0
            life.random.seed(life.number)
        for number in range(rounds):
            await self._people(self._lives)
            for dispute in m.shop.sandbox.store.find("dispute", "", [("$.status", "=", "needs_response")]):
                await m.switches.turn(f"disputes/{dispute['id']}/close", {"status": "won" if number % 2 else "lost"})
            if number == ANSWERED:  # now the provider's clock runs up to ours
                await m.catch_up()
            await m.make_due(10**9)
            await m.work()
            await self._office.hear()
            await self._office.failed_refunds(by_hand=True)
            await pay_credits(m.shop.wiring.database)
            if number > ANSWERED and not await self._open():
                return

    async def verdict(self) -> Verdict:
        """Every law, every cent."""
        m = self.market
        found = await proof.prove(m)
        async with m.shop.wiring.database.reading() as tx:
            for breach in await invariants.check(tx, settled=True):
                found.wrong(f"{breach.law}: {breach.facts}", breach.facts.get("order_id"))
        await self._reconcile(found)
        counts = m.counts + m.trouble.counts + await self._happened()
        story = await self._story(found.broken[0]) if found.broken else ""
        return Verdict(self._seed, found.problems, found.duplicates, counts, m.trouble.struck, m.trouble.crashes, story)

    async def _people(self, lives: list[Life]) -> None:
        rows = await self.market.rows(people.QUERY, ids=[life.id for life in lives])
        parts = {order_id: list(group) for order_id, group in groupby(rows, key=lambda row: row.id)}
        going = [life for life in lives if life.id in parts]
        await asyncio.gather(*self._some(going, lambda life, _: life.go_on(parts[life.id])))

    def _some(self, lives: list[Life], act: Callable[[Life, int], Any]) -> list[Any]:
        """So many at once, each group one after the other."""

        async def one_by_one(group: list[Life], number: int) -> None:
            for life in group:
                await act(life, number)

        return [one_by_one(lives[number::AT_ONCE], number) for number in range(AT_ONCE)]

    async def _open(self) -> int:
        return await self.market.shop.scalar(
            "SELECT (SELECT count(*) FROM steps WHERE state = 'open' AND kind NOT LIKE 'shipment%') "
            "+ (SELECT count(*) FROM provider_events WHERE state IN ('new', 'parked')) "
            "+ (SELECT count(*) FROM ledger_balances WHERE account LIKE 'vendor:%' AND balance > 0) "
            "+ (SELECT count(*) FROM refunds WHERE state = 'failed')"
        )

    async def _reconcile(self, found: proof.Proof) -> None:
        m = self.market
        async with m.shop.wiring.database.tx() as tx:
            claimed = await runs.claim(tx, (await reconciliation.ask(tx, None, None)).id)
        assert claimed is not None
        gateways: Any = {"stripe": m.stripe.inner}
        report = await reconciliation.perform(m.shop.wiring.database, gateways, Rules(grace_seconds=0, accounts_max=10), claimed)
        if report is None:
            found.wrong("reconciliation failed")
        elif not report.equal:
            found.wrong(f"reconciliation: {report.differences[:3]} {report.vendor_balances} {report.balances}")

    async def _happened(self) -> Counter[str]:
        queries = {
            "refunds": "SELECT count(*) FROM refunds WHERE kind = 'refund'",
            "borne disputes": "SELECT count(*) FROM refunds WHERE kind = 'dispute'",
            "reversals": "SELECT count(*) FROM reversals WHERE state = 'reversed'",
            "reversals refused": "SELECT count(*) FROM reversals WHERE state = 'refused'",
            "disputes won": "SELECT count(*) FROM disputes WHERE state = 'won'",
            "disputes lost": "SELECT count(*) FROM disputes WHERE state = 'lost'",
            "debts": "SELECT count(*) FROM refunds WHERE from_debt > 0",
            "nettings": "SELECT count(*) FROM transfers WHERE netted > 0",
            "reserves": "SELECT count(*) FROM transfers WHERE kind = 'reserve'",
            "credits": "SELECT count(*) FROM transfers WHERE kind = 'credit' AND state = 'transferred'",
            "payouts": "SELECT count(*) FROM payouts WHERE state IN ('sent', 'paid')",
            "payouts failed": "SELECT count(*) FROM payouts WHERE state = 'failed'",
            "refunds failed": "SELECT count(*) FROM timeline WHERE life = 'refund' AND event = 'fail'",
            "captured": "SELECT count(*) FROM payments WHERE state = 'captured'",
            "voided": "SELECT count(*) FROM payments WHERE state = 'voided'",
            "part not accepted": "SELECT count(DISTINCT order_id) FROM sub_orders WHERE state = 'declined'",
        }
        return Counter({name: await self.market.shop.scalar(query) for name, query in queries.items()})

    async def _story(self, order_id: str) -> str:
        m = self.market
        lines = [f"{order_id}:"]
        query = "SELECT at, life, subject_id, event, to_state AS after, reason, data FROM timeline WHERE saga_id = :id ORDER BY seq"
        lines += [
            f"  {row.at:%H:%M:%S.%f} {row.life} {row.subject_id[-6:]} {row.event} → {row.after} {row.reason} {row.data}"
            for row in await m.rows(query, id=order_id)
        ]
        query = "SELECT id, kind, state, verdict, attempt, payload, reply FROM steps WHERE saga_id = :id ORDER BY id"
        lines += [
            f"  step {row.id} {row.kind} {row.state} {row.verdict} asked {row.attempt} times: {row.payload} → {row.reply}"
            for row in await m.rows(query, id=order_id)
        ]
        provider = proof.Provider(m.shop.sandbox)
        for kind in proof.KINDS:
            for each in provider.all(kind):
                if each.get("transfer_group") == order_id or each["metadata"].get("order_id") == order_id:
                    lines.append(f"  provider's {each['id']}: {each['amount']} {each.get('status', '')} by {each['metadata'].get('step')}")
        return "\n".join(lines)


async def run(
    database_url: str, seed: str, currency: str, orders: int, folder: Path, spoil: Any = None, *, rest: int = REST_ROUNDS_MAX
) -> Verdict:
    """A whole run."""
    market = await open_market(database_url, seed, currency, folder, spoil)
    try:
        chaos = Chaos(market, seed, orders)
        await chaos.live()
        await chaos.rest(rest)
        return await chaos.verdict()
    finally:
        await market.shop.close()
