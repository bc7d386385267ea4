"""What each vendor is told of orders and money: what it may see, and nothing of another's."""

from collections.abc import AsyncIterator
from typing import Any, get_args

import msgspec
import pytest_asyncio
from sqlalchemy import text

from hub.notifications import register
from hub.notifications.follow import follow
from hub.notifications.kinds import BODY_BYTES_MAX, KINDS, Told, bodies
from hub.notifications.model import EventType, NewEndpoint
from hub.notifications.tell import TELL
from hub.refunds import ask
from hub.runtime.database import Actor
from tests.architecture.diagrams import machines
from tests.conftest import MakeDatabase
from tests.notifications.desk import LIMITS, now
from tests.payouts.bench import Bench, bench
from tests.payouts.test_payouts import sent
from tests.shop import Shop, open_shop

MUG, NUT = ("acme", "mug", 1000, 2), ("bolt", "nut", 700, 1)


@pytest_asyncio.fixture
async def shop(fresh_database: MakeDatabase) -> AsyncIterator[Shop]:
    """Acme and bolt hear of everything."""
    made = await open_shop(await fresh_database(), "acme", "bolt")
    for vendor in ("acme", "bolt"):
        new = NewEndpoint(url="http://127.0.0.1:9/")
        async with made.wiring.database.tx(Actor("vendor", vendor)) as tx:
            await register.register(tx, LIMITS, vendor, new)
    yield made
    await made.close()


async def told(shop: Shop | Bench, vendor: str) -> list[tuple[str, dict[str, Any]]]:
    """What a vendor is told, as (type, data), in the order in which it happened."""
    database = shop.wiring.database if isinstance(shop, Shop) else shop.database
    await follow(database)
    async with database.reading() as tx:
        rows = await tx.rows(
            text(
                'SELECT e.type, coalesce(e."full", e.thin) AS body FROM webhook_events e JOIN webhook_deliveries d ON d.event_id = e.id'
                " WHERE e.vendor = :vendor ORDER BY d.position"
            ),
            {"vendor": vendor},
        )
    return [(row.type, msgspec.json.decode(row.body)["data"]) for row in rows]


async def test_a_refund_is_told_to_the_vendor_whose_sale_it_was(shop: Shop) -> None:
    order = await shop.paid(MUG, NUT)
    sub = next(sub for sub in order.sub_orders if sub.vendor == "acme")
    await shop.act(lambda tx: ask.ask_refund(tx, order.id, sub.id, None, "scratched"))
    await shop.run()
    await shop.hear()
    found = [(kind, data) for kind, data in await told(shop, "acme") if kind.startswith("refund.")]
    assert [kind for kind, _ in found] == ["refund.created", "refund.succeeded"]
    data = found[-1][1]
    assert (data["state"], data["order_id"], data["sub_order_id"]) == ("succeeded", order.id, sub.id)
    assert data["object"]["amount"] == {"amount": sub.total, "currency": "EUR"}
    assert [kind for kind, _ in await told(shop, "bolt") if kind.startswith("refund.")] == []


async def test_a_dispute_is_told_to_each_vendor_of_the_order_and_to_none_for_how_much(shop: Shop) -> None:
    order = await shop.paid(MUG, NUT)
    other = await shop.paid(("bolt", "nut", 700, 1))
    reference = await shop.dispute(order.id)
    await shop.close_dispute(reference, "won")
    for vendor in ("acme", "bolt"):
        found = [(kind, data) for kind, data in await told(shop, vendor) if kind.startswith("dispute.")]
        assert [kind for kind, _ in found] == ["dispute.opened", "dispute.closed"]
        assert {data["order_id"] for _, data in found} == {order.id}
        assert all("amount" not in data and "object" not in data for _, data in found)
    assert other.id not in str(await told(shop, "acme"))


async def test_nobody_is_told_of_another_vendors_part(shop: Shop) -> None:
    order = await shop.deliver((await shop.paid(MUG, NUT)).id)
    for vendor in ("acme", "bolt"):
        mine = {sub.id for sub in order.sub_orders if sub.vendor == vendor}
        others = {sub.id for sub in order.sub_orders} - mine
        said = str(await told(shop, vendor))
        assert all(each in said for each in mine)
        assert not any(each in said for each in others)
        assert "transfer.sent" in said


async def test_what_falls_out_is_told_with_the_reason(shop: Shop) -> None:
    await shop.paid(MUG, NUT, decline=["bolt"])
    found = await told(shop, "bolt")
    assert found[-1][0] == "order.declined"
    assert (found[-1][1]["state"], found[-1][1]["reason"]) == ("declined", "out_of_stock")


async def test_a_payout_is_told_when_it_has_arrived_and_when_it_has_not(fresh_database: MakeDatabase) -> None:
    async with bench(await fresh_database()) as desk:
        async with desk.database.tx(Actor("vendor", "acme")) as tx:
            await register.register(tx, LIMITS, "acme", NewEndpoint(url="http://127.0.0.1:9/"))
        arrived = await sent(desk)
        await desk.turn("advance", {"seconds": 3 * 86_400})
        assert await desk.notice(await desk.look(arrived["reference"]))
        await desk.turn(f"payouts/{arrived['reference']}/fail", {"failure_code": "account_closed"})
        await desk.notice(await desk.look(arrived["reference"]))
        found = [(kind, data) for kind, data in await told(desk, "acme") if kind.startswith("payout.")]
        assert [(kind, data["id"], data["object"]["amount"]["amount"]) for kind, data in found] == [
            ("payout.paid", arrived["id"], 5_000),
            ("payout.failed", arrived["id"], 5_000),
        ]
        assert found[1][1]["state"] == "failed"


def test_a_body_that_would_be_too_large_is_thin() -> None:
    small, large = (Told(vendor="acme", key="k", thin={"id": "s"}, full={"text": "x" * size}) for size in (100, BODY_BYTES_MAX))
    assert bodies("order.placed", now(), small).full is not None
    assert bodies("order.placed", now(), large).full is None
    assert len(bodies("order.placed", now(), large).thin) < 200


def test_every_kind_is_an_event_of_a_life_that_somebody_can_tell_of() -> None:
    events = {(machine.name, str(event)) for machine in machines() for _, event in machine.table} | {
        (machine.name, "born") for machine in machines()
    }
    assert {kind for kind in KINDS if kind not in events} == {("vendor", "terms")}
    assert {life for life, _ in KINDS} == set(TELL)
    assert set(KINDS.values()) | {"test"} == set(get_args(EventType))
