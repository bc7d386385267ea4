"""Orders that are placed in one transaction: each as if it were alone."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import text

from hub.catalog.model import OfferOfSku
from hub.checkout.placing import Place
from hub.inventory import offers
from hub.kernel.errors import Conflict, Refusal
from hub.kernel.money import Money
from hub.runtime.database import Actor, Tx
from hub.runtime.idempotency import Answer
from hub.runtime.together import MOST, Together
from tests.checkout.ordering import Ordering, order_id, slugs, two_processes
from tests.shop import now

PROMOTIONS = """
[[promotions]]
code = "LAST"
name = "One for all"
bps = 1000
borne_by = "platform"
uses = 1

[[promotions]]
code = "LEFT"
name = "Many for all"
bps = 1000
borne_by = "platform"
uses = 1000

[[promotions]]
code = "RIGHT"
name = "Many for all"
bps = 1000
borne_by = "platform"
uses = 1000

[[promotions]]
code = "GIFT"
name = "Everything free"
bps = 10_000
borne_by = "platform"

[[promotions]]
code = "FREESHIP"
name = "Free shipping"
bps = 10_000
on = "shipping"
borne_by = "platform"
"""


@pytest_asyncio.fixture(scope="module")
async def ordering(database_url: str, scratch: Path) -> AsyncGenerator[Ordering]:
    """A shop of three vendors, of whom cedar is closed now and then; and a second process beside it."""
    path = scratch / "promotions-of-placing.toml"
    path.write_text(PROMOTIONS)
    async with two_processes(database_url, "acme", "bolt", "cedar", settings={"WHEELWRIGHT__ORDERS__PROMOTIONS_FILE": str(path)}) as both:
        yield both


async def lawful(ordering: Ordering) -> None:
    assert await ordering.shop.breaches() == []


async def test_who_comes_first_gets_the_last_units(ordering: Ordering) -> None:
    offer = await ordering.offer("rare", 10)
    quotes = await ordering.quotes(40, offer)
    answers = await asyncio.gather(*(ordering.place(quote) for quote in quotes), return_exceptions=True)
    assert slugs(answers) == ["placed"] * 10 + ["sold_out"] * 30
    refusal = answers[-1]
    assert isinstance(refusal, Conflict)
    assert refusal.facts == {"offer_id": offer}
    assert await ordering.count(offer) == {"on_hand": 0, "reserved": 10, "shipped": 0, "received": 10}
    assert len(await ordering.orders_of(quotes)) == 10
    await lawful(ordering)


async def test_a_batch_is_one_transaction_of_at_most_so_many(ordering: Ordering) -> None:
    quotes = await ordering.quotes(MOST + 6, await ordering.offer("plenty", 1000))
    placed = [order_id(each) for each in await asyncio.gather(*(ordering.place(quote) for quote in quotes))]
    rows = await ordering.shop.rows("SELECT id, xmin::text AS tx FROM orders WHERE id = ANY (cast(:ids AS text[]))", ids=placed)
    by_order = {row.id: row.tx for row in rows}
    assert sorted(Counter(by_order.values()).values()) == [6, MOST]
    assert len({by_order[each] for each in placed[:MOST]}) == 1, "in the order in which they came"


async def test_each_order_is_whole_and_its_own(ordering: Ordering) -> None:
    """Of three customers, with one line or two, from one vendor or two."""
    mug, bolt = await ordering.offer("whole", 100), await ordering.offer("bolts", 100, vendor="bolt", price=250)
    people = [await ordering.customer(f"whole-{number}") for number in range(3)]
    wishes = [(who, lines) for who in people for lines in ((mug,), (bolt,), (mug, bolt))]
    quotes = [await ordering.quote(*lines, who=who) for who, lines in wishes]
    answers = await asyncio.gather(*(ordering.place(quote, who=who) for quote, (who, _) in zip(quotes, wishes, strict=True)))
    for answer, quote, (who, lines) in zip(answers, quotes, wishes, strict=True):
        order = await ordering.shop.order(order_id(answer))
        assert (order.customer_id, order.quote_id) == (who.id, quote)
        assert sorted(line.offer_id for sub in order.sub_orders for line in sub.lines) == sorted(lines)
        told = await ordering.shop.rows("SELECT actor, event, life FROM timeline WHERE saga_id = :id ORDER BY seq", id=order.id)
        assert tuple(told[0]) == (str(who), "born", "order")
        assert {row.life for row in told} >= {"order", "sub_order", "payment"}
        [payment] = await ordering.shop.rows("SELECT amount, state, customer_id FROM payments WHERE order_id = :id", id=order.id)
        assert tuple(payment) == (order.total, "pending", who.id)
        [step] = await ordering.shop.rows("SELECT kind, state FROM steps WHERE saga_id = :id", id=order.id)
        assert tuple(step) == ("payment.authorize", "open")
    await lawful(ordering)


async def test_a_bad_order_harms_no_good_one(ordering: Ordering) -> None:
    offer = await ordering.offer("good", 100)
    closed, dear = await ordering.offer("closed", 100, vendor="cedar"), await ordering.offer("dear", 100)
    stranger = await ordering.customer("stranger")
    good = await ordering.quotes(8, offer)
    bad = {
        "quote_expired": ordering.place(await ordering.quote(offer), at=now() + timedelta(hours=1)),
        "unknown_quote": ordering.place("quote_of_nobody"),
        "unknown_quote ": ordering.place(await ordering.quote(offer, who=stranger)),
        "offer_unavailable": ordering.place(await ordering.quote(closed)),
        "stale_price": ordering.place(await ordering.quote(dear)),
        "price_limit_too_low": ordering.place(
            await ordering.quote(offer), on_shortage="reroute", reroute={"price_limit": {"amount": 1, "currency": "EUR"}}
        ),
        "no_reroute": ordering.place(await ordering.quote(offer), reroute={}),
        "unknown_shipping_option": ordering.place(await ordering.quote(offer), shipping={"acme": "pigeon"}),
    }
    await ordering.offer("dear", 100, price=1001)
    await ordering.shop.sql("UPDATE vendors SET state = 'suspended' WHERE code = 'cedar'")
    try:
        wishes = [each for pair in zip((ordering.place(quote) for quote in good), bad.values(), strict=True) for each in pair]
        answers = await asyncio.gather(*wishes, return_exceptions=True)
    finally:
        await ordering.shop.sql("UPDATE vendors SET state = 'active' WHERE code = 'cedar'")
    assert slugs(answers[1::2]) == [slug.strip() for slug in bad]
    assert slugs(answers[::2]) == ["placed"] * 8
    assert await ordering.count(offer) == {"on_hand": 92, "reserved": 8, "shipped": 0, "received": 100}
    await lawful(ordering)


async def test_what_nobody_foresaw_harms_no_good_one(ordering: Ordering) -> None:
    """A quote that this hub cannot read for what it says: its vendor is none."""
    offer = await ordering.offer("foreseen", 100)
    odd, *good = await ordering.quotes(5, offer)
    await ordering.shop.sql(f"UPDATE quotes SET body = jsonb_set(body, '{{parts,0,vendor}}', '\"nobody\"') WHERE id = '{odd}'")
    answers = await asyncio.gather(*(ordering.place(quote) for quote in (odd, *good)), return_exceptions=True)
    assert slugs(answers)[1:] == ["placed"] * 4
    assert not isinstance(answers[0], Answer | Refusal)
    await lawful(ordering)


async def test_two_quotes_of_one_cart_are_one_order(ordering: Ordering) -> None:
    quote = await ordering.quote(await ordering.offer("one-cart", 100))
    await ordering.shop.sql(
        "INSERT INTO quotes (id, cart_id, customer_id, currency, body, expires_at)"
        " SELECT id || 'b', cart_id, customer_id, currency, jsonb_set(body, '{id}', to_jsonb(id || 'b')), expires_at"
        f" FROM quotes WHERE id = '{quote}'"
    )
    answers = await asyncio.gather(ordering.place(quote), ordering.place(quote + "b"), ordering.place(quote), return_exceptions=True)
    assert slugs(answers) == ["placed", "cart_ordered", "cart_ordered"]


async def test_what_is_free_is_placed_beside_what_is_not(ordering: Ordering) -> None:
    """It is authorized at once, which writes in the midst of the transaction."""
    offer = await ordering.offer("free", 2)
    quotes = [await ordering.quote(offer, coupons=coupons) for coupons in ((), ("GIFT", "FREESHIP"), (), ())]
    answers = await asyncio.gather(*(ordering.place(quote) for quote in quotes), return_exceptions=True)
    assert slugs(answers) == ["placed", "placed", "sold_out", "sold_out"]
    free = await ordering.shop.order(order_id(answers[1]))
    assert (free.total, free.stage) == (0, "route")
    assert await ordering.shop.scalar("SELECT state FROM payments WHERE order_id = :id", id=free.id) == "authorized"
    await lawful(ordering)


class TestKeys:
    async def test_twins_in_one_batch_get_one_order_and_the_same_bytes(self, ordering: Ordering) -> None:
        offer = await ordering.offer("twins", 100)
        quote = await ordering.quote(offer)
        answers = await asyncio.gather(*(ordering.place(quote, key="k-twins") for _ in range(5)))
        assert {answer.body for answer in answers} == {answers[0].body}
        assert [answer.replayed for answer in answers] == [False, True, True, True, True]
        assert await ordering.orders_of([quote]) == [order_id(answers[0])]
        assert (await ordering.count(offer))["reserved"] == 1

    async def test_twins_in_two_processes_get_one_order_and_the_same_bytes(self, ordering: Ordering) -> None:
        offer = await ordering.offer("far-twins", 100)
        quotes = await ordering.quotes(12, offer)
        answers = await asyncio.gather(
            *(ordering.place(quote, key=f"k-far-{quote}", by=by) for quote in quotes for by in (ordering.placing, ordering.other))
        )
        assert all(one.body == two.body for one, two in zip(answers[::2], answers[1::2], strict=True))
        assert sorted(await ordering.orders_of(quotes)) == sorted({order_id(each) for each in answers})
        assert await ordering.count(offer) == {"on_hand": 88, "reserved": 12, "shipped": 0, "received": 100}

    async def test_the_same_key_for_another_order_is_refused(self, ordering: Ordering) -> None:
        one, two = await ordering.quotes(2, await ordering.offer("liar", 100))
        answers = await asyncio.gather(ordering.place(one, key="k-liar"), ordering.place(two, key="k-liar"), return_exceptions=True)
        assert slugs(answers) == ["placed", "idempotency_key_reused"]
        again = await asyncio.gather(ordering.place(two, key="k-liar"), return_exceptions=True)
        assert slugs(again) == ["idempotency_key_reused"]
        assert await ordering.orders_of([two]) == []

    async def test_the_same_key_for_another_order_in_another_process_is_refused(self, ordering: Ordering) -> None:
        """Neither knows of the other until it writes: the second to write waits, fails, and is done again."""
        offers = [await ordering.offer("far-liar", 100), await ordering.offer("far-liar-too", 100)]
        mine, yours = [await ordering.quotes(6, offer) for offer in offers]
        pairs = list(zip(mine, yours, strict=True))
        wishes = [
            [ordering.place(pair[at], key=f"k-far-liar-{n}", by=by) for n, pair in enumerate(pairs)]
            for at, by in enumerate((ordering.placing, ordering.other))
        ]
        one, two = await asyncio.gather(*(asyncio.gather(*some, return_exceptions=True) for some in wishes))
        for first, second in zip(slugs(one), slugs(two), strict=True):
            assert sorted((first, second)) == ["idempotency_key_reused", "placed"]
        assert len(await ordering.orders_of(mine + yours)) == 6
        assert sum([(await ordering.count(offer))["reserved"] for offer in offers]) == 6

    async def test_a_key_is_its_askers(self, ordering: Ordering) -> None:
        bob = await ordering.customer("bob")
        offer = await ordering.offer("askers", 100)
        mine, his = await ordering.quote(offer), await ordering.quote(offer, who=bob)
        answers = await asyncio.gather(ordering.place(mine, key="k-askers"), ordering.place(his, key="k-askers", who=bob))
        assert len({order_id(each) for each in answers}) == 2

    async def test_what_was_refused_keeps_no_key(self, ordering: Ordering) -> None:
        offer = await ordering.offer("scarce", 1)
        one, two = await ordering.quotes(2, offer)
        answers = await asyncio.gather(ordering.place(one, key="k-one"), ordering.place(two, key="k-two"), return_exceptions=True)
        assert slugs(answers) == ["placed", "sold_out"]
        assert await ordering.keys("k-one", "k-two") == 1
        await ordering.offer("scarce", 5)
        assert order_id(await ordering.place(two, key="k-two", body=b"another")) != order_id(answers[0])

    async def test_a_twin_of_the_refused_is_refused(self, ordering: Ordering) -> None:
        quote = await ordering.quote(await ordering.offer("nothing", 1), quantity=1)
        await ordering.offer("nothing", 0)
        answers = await asyncio.gather(*(ordering.place(quote, key="k-nothing") for _ in range(3)), return_exceptions=True)
        assert slugs(answers) == ["sold_out"] * 3
        assert await ordering.keys("k-nothing") == 0


class TestCoupons:
    async def test_the_last_use_is_used_once(self, ordering: Ordering) -> None:
        offer = await ordering.offer("couponed", 100)
        quotes = await ordering.quotes(3, offer, coupons=("LAST",))
        plain = await ordering.quotes(3, offer)
        wishes = [ordering.place(quote) for pair in zip(quotes, plain, strict=True) for quote in pair]
        answers = await asyncio.gather(*wishes, return_exceptions=True)
        assert sorted(slugs(answers[::2])) == ["coupon_used_up", "coupon_used_up", "placed"]
        assert slugs(answers[1::2]) == ["placed"] * 3
        assert await ordering.shop.scalar("SELECT count(*) FROM coupon_uses WHERE code = 'LAST'") == 1
        assert (await ordering.count(offer))["reserved"] == 4
        await lawful(ordering)

    async def test_a_refused_order_uses_none(self, ordering: Ordering) -> None:
        offer = await ordering.offer("couponed-rare", 1)
        quotes = await ordering.quotes(3, offer, coupons=("LEFT",))
        answers = await asyncio.gather(*(ordering.place(quote) for quote in quotes), return_exceptions=True)
        assert sorted(slugs(answers)) == ["placed", "sold_out", "sold_out"]
        placed = await ordering.orders_of(quotes)
        uses = await ordering.shop.rows("SELECT order_id FROM coupon_uses WHERE code = 'LEFT'")
        assert [row.order_id for row in uses] == placed

    async def test_crossing_coupons_of_two_processes_are_all_used(self, ordering: Ordering) -> None:
        offers = [await ordering.offer("crossing-coupons", 100), await ordering.offer("crossing-coupons-too", 100)]
        ways = (("LEFT", "RIGHT"), ("RIGHT", "LEFT"))
        quotes = [
            [await ordering.quote(offer, coupons=(code,)) for _ in range(4) for code in way]
            for offer, way in zip(offers, ways, strict=True)
        ]
        both = zip(quotes, (ordering.placing, ordering.other), strict=True)
        answers = await asyncio.gather(*(ordering.place(quote, by=by) for some, by in both for quote in some))
        assert len({order_id(each) for each in answers}) == 16
        assert [(await ordering.count(offer))["reserved"] for offer in offers] == [8, 8]


class TestProcesses:
    async def test_crossing_offers_sell_right_without_a_deadlock(self, ordering: Ordering) -> None:
        offers = [await ordering.offer(f"crossing-{number}", 10) for number in range(3)]
        ways = [offers, offers[::-1]]
        quotes = [[await ordering.quote(*way[at % 2 : at % 2 + 2]) for at in range(20)] for way in ways]
        before = await ordering.shop.scalar("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        both = zip(quotes, (ordering.placing, ordering.other), strict=True)
        wishes = [ordering.place(quote, by=by) for some, by in both for quote in some]
        answers = await asyncio.gather(*wishes, return_exceptions=True)
        assert Counter(slugs(answers)) == {"placed": 10, "sold_out": 30}, "each takes one of the middle"
        assert (await ordering.count(offers[1]))["on_hand"] == 0
        assert sum([(await ordering.count(offers[end]))["reserved"] for end in (0, 2)]) == 10
        assert await ordering.shop.scalar("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == before
        await lawful(ordering)

    async def test_what_is_placed_and_what_is_canceled_do_not_hurt_each_other(self, ordering: Ordering) -> None:
        offers = [await ordering.offer(f"hurting-{number}", 1000) for number in range(2)]
        old = [order_id(await ordering.place(await ordering.quote(*offers))) for _ in range(8)]
        quotes = [await ordering.quote(*way) for way in (offers, offers[::-1]) for _ in range(12)]
        wishes = [ordering.place(quote, by=by) for quote, by in zip(quotes, (ordering.placing, ordering.other) * 12, strict=True)]
        answers, _ = await asyncio.gather(asyncio.gather(*wishes), asyncio.gather(*(ordering.shop.cancel(each) for each in old)))
        assert len({order_id(each) for each in answers}) == 24
        for offer in offers:
            assert await ordering.count(offer) == {"on_hand": 976, "reserved": 24, "shipped": 0, "received": 1000}
        await lawful(ordering)

    @pytest.mark.quiet  # the batch waits only so long to be cut off
    async def test_a_lost_connection_answers_nobody_falsely(self, ordering: Ordering) -> None:
        offer = await ordering.offer("lost", 100)
        quotes = await ordering.quotes(6, offer)

        def ask() -> list[asyncio.Task[Answer]]:
            return [asyncio.create_task(ordering.place(quote, key=f"k-lost-{quote}")) for quote in quotes]

        async with ordering.held(offer):
            tasks = ask()
            await ordering.cut()
            answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert not [each for each in answers if isinstance(each, Answer | Refusal)]
        assert await ordering.orders_of(quotes) == []
        again = await asyncio.gather(*ask())
        assert [each.replayed for each in again] == [False] * 6
        assert sorted(await ordering.orders_of(quotes)) == sorted(order_id(each) for each in again)
        assert (await ordering.count(offer))["reserved"] == 6
        await lawful(ordering)

    async def test_who_goes_away_takes_nothing_from_the_others(self, ordering: Ordering) -> None:
        """Some before their batch begins, one in the midst of it: that one may be placed, and its key tells."""
        offer = await ordering.offer("gone", 100)
        quotes = await ordering.quotes(5, offer)
        async with ordering.held(offer):
            tasks = [asyncio.create_task(ordering.place(quote, key=f"k-gone-{quote}")) for quote in quotes]
            await asyncio.sleep(0)
            tasks[0].cancel()
            await ordering.waiting()
            tasks[1].cancel()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert slugs(answers) == ["CancelledError", "CancelledError", "placed", "placed", "placed"]
        again = [await ordering.place(quote, key=f"k-gone-{quote}") for quote in quotes]
        assert [each.replayed for each in again] == [False, True, True, True, True]
        assert (await ordering.count(offer))["reserved"] == 5

    async def test_a_row_that_somebody_keeps_stops_nobody_else(self, ordering: Ordering) -> None:
        offer, free = await ordering.offer("kept", 100), await ordering.offer("free", 100)
        kept, other = await ordering.quote(offer), await ordering.quote(free)
        async with ordering.held(offer):
            waits = asyncio.create_task(ordering.place(kept))
            await ordering.waiting()
            assert order_id(await asyncio.wait_for(ordering.place(other), 3))
            assert not waits.done()
        assert order_id(await waits)
        await lawful(ordering)

    async def test_who_waits_too_long_is_told_to_come_again(self, ordering: Ordering) -> None:
        hasty = Together(ordering.other_database, Place(ordering.shop.wiring.timing), wait_ms=60)
        offer, free = await ordering.offer("busy", 100), await ordering.offer("idle", 100)
        quotes = [await ordering.quote(each) for each in (offer, free, offer)]
        async with ordering.held(offer):
            wishes = [ordering.place(quotes[0], key="k-busy", by=hasty), *(ordering.place(quote, by=hasty) for quote in quotes[1:])]
            answers = await asyncio.gather(*wishes, return_exceptions=True)
        assert slugs(answers) == ["idempotency_key_in_use", "placed", "busy"]
        assert order_id(await ordering.place(quotes[0], key="k-busy"))
        await lawful(ordering)


@pytest.mark.parametrize("how", ["count", "put"])
async def test_who_counts_stock_locks_it_in_the_one_order(ordering: Ordering, how: str) -> None:
    """Whatever way PostgreSQL finds to write many rows: who waits for one offer has none of those after it."""
    last, first = await ordering.offer(f"{how}-z", 5), await ordering.offer(f"{how}-a", 5)
    by_id = dict(zip(sorted((first, last)), (f"{how}-a", f"{how}-z") if first < last else (f"{how}-z", f"{how}-a"), strict=True))
    low, high = by_id
    await ordering.offer(by_id[low], 6)  # now its row lies behind the other's
    await ordering.shop.sql("ANALYZE stock")  # a small table, which PostgreSQL then reads from its beginning
    vendor = Actor("vendor", "acme")

    async def count(tx: Tx) -> None:
        if how == "count":
            await offers.count(tx, "acme", {f"{how}-z": 7, f"{how}-a": 7})
            return
        price = Money(amount=1000, currency="EUR")
        await offers.put_many(tx, "acme", [OfferOfSku(sku=sku, price=price, stock=7) for sku in (f"{how}-z", f"{how}-a")])

    for held in (low, high):
        async with ordering.held(held):
            counting = asyncio.create_task(ordering.shop.act(count, vendor))
            await ordering.waiting()
            async with ordering.shop.wiring.database.tx() as tx:
                free = text("SELECT offer_id FROM stock WHERE offer_id = ANY (cast(:ids AS text[])) FOR UPDATE SKIP LOCKED")
                rows = await tx.rows(free, {"ids": [low, high]})
        await counting
        assert [row.offer_id for row in rows] == ([high] if held == low else [])
    assert (await ordering.count(low))["on_hand"] == (await ordering.count(high))["on_hand"] == 7
