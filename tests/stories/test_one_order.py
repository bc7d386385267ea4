"""One order over three vendors, from cart to transfer, and how a buyer watches it."""

import asyncio
import json

from tests.world import World


async def test_an_order_over_three_vendors_is_paid_shipped_and_shared_out(world: World) -> None:
    placed = await world.place(("acme", "mug", 2), ("bolt", "book", 1), ("cedar", "bowl", 3), shipping={"bolt": "express"})
    assert placed["state"] == "placed"
    order = await world.until(placed["id"], "completed")
    assert [sub["state"] for sub in order["sub_orders"]] == ["settled"] * 3
    total = 6000 + 490 + 990 + 490
    assert order["payment"]["state"] == "captured"
    assert order["payment"]["captured"] == order["total"] == {"amount": total, "currency": "EUR"}
    assert all(sub["parcels"] for sub in order["sub_orders"])
    postings = (await world("olga", "GET", f"/v1/admin/orders/{order['id']}/ledger")).json()
    balances: dict[str, int] = {}
    for p in postings:
        balances[p["destination"]] = balances.get(p["destination"], 0) + p["amount"]
        balances[p["source"]] = balances.get(p["source"], 0) - p["amount"]
    fee = (total * 290 + 5000) // 10000 + 25
    assert {account: amount for account, amount in balances.items() if amount} == {
        "commission": 600,
        "processing_fees": -fee,
        "clearing:stripe": fee - 600,
    }
    assert await world.breaches() == []


async def test_the_timeline_says_who_did_what(world: World) -> None:
    placed = await world.place(("acme", "mug", 1))
    await world.until(placed["id"], "completed")
    moments = (await world("ada", "GET", f"/v1/orders/{placed['id']}/timeline")).json()
    assert [m["seq"] for m in moments] == sorted(m["seq"] for m in moments)
    by = {f"{m['life']}.{m['event']}": m["actor"] for m in moments}
    assert by["order.born"].startswith("customer:")
    assert by["sub_order.accept"] == "vendor:acme"
    assert by["payment.capture"] == "hub:worker"
    assert len({m["correlation_id"] for m in moments}) == 1
    assert (await world("bob", "GET", f"/v1/orders/{placed['id']}/timeline")).status_code == 404


async def test_prefer_wait_answers_when_checkout_has_ended(world: World) -> None:
    quote = await world.quote(("acme", "mug", 1))
    body = {"quote_id": quote["id"], "payment_method": "pm_card_visa"}
    answer = await world("ada", "POST", "/v1/orders", body, prefer="wait=10")
    assert answer.status_code == 201
    assert answer.headers["preference-applied"] == "wait=10"
    assert answer.json()["course"] == "finished"


async def test_events_stream_every_transition_and_end_with_the_order(world: World) -> None:
    placed = await world.place(("acme", "mug", 1), ("bolt", "book", 1))
    seen: list[tuple[str, int]] = []
    async with (
        asyncio.timeout(20),
        world.http.stream("GET", f"/v1/orders/{placed['id']}/events", headers={"Authorization": f"Bearer {world.keys['ada']}"}) as answer,
    ):
        assert answer.headers["content-type"].startswith("text/event-stream")
        async for line in answer.aiter_lines():
            if line.startswith("data: "):
                moment = json.loads(line.removeprefix("data: "))
                seen.append((f"{moment['life']}.{moment['event']}", moment["seq"]))
    assert [name for name, _ in seen] == await world.story(placed["id"])
    again: list[int] = []
    headers = {"Authorization": f"Bearer {world.keys['ada']}", "Last-Event-ID": str(seen[-3][1])}
    async with asyncio.timeout(20), world.http.stream("GET", f"/v1/orders/{placed['id']}/events", headers=headers) as answer:
        async for line in answer.aiter_lines():
            again += [int(line.removeprefix("id: "))] if line.startswith("id: ") else []
    assert again == [seq for _, seq in seen[-2:]]


async def test_the_same_key_places_one_order(world: World) -> None:
    quote = await world.quote(("acme", "mug", 1))
    body = {"quote_id": quote["id"], "payment_method": "pm_card_visa"}
    twins = await asyncio.gather(*(world("ada", "POST", "/v1/orders", body, idempotency_key="one-order") for _ in range(5)))
    assert {answer.status_code for answer in twins} == {201}
    assert len({answer.json()["id"] for answer in twins}) == 1
    assert sum(answer.headers.get("idempotent-replayed") == "true" for answer in twins) == 4
    other = await world("ada", "POST", "/v1/orders", {**body, "on_shortage": "cancel"}, idempotency_key="one-order")
    assert (other.status_code, other.json()["type"]) == (409, "/problems/idempotency_key_reused")
    await world.until(twins[0].json()["id"], "completed")
