"""An order paid by bank transfer, from placing to the vendor's share, with an operator who takes files to and from the bank."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest_asyncio

from hub.ledger import store as ledger
from tests.bank.hands import ACME, ADA, OURS
from tests.world import ALL, Building, World

T = TypeVar("T")

HEADING = "bank_id,booked_on,amount,currency,reference,payer_iban,end_to_end_id\n"
SETTINGS = {f"bank__{name}": str(getattr(OURS, name)) for name in ("holder", "iban", "bic")}


@pytest_asyncio.fixture(scope="module")
async def world(database_url: str, scratch: Path) -> AsyncIterator[World]:
    """A marketplace with one vendor, whose bank account is known."""
    async with Building(database_url, scratch / "bank-story", {"acme": ALL}, **SETTINGS) as made:
        account = {"holder": ACME.holder, "iban": ACME.iban}
        answer = await made("olga", "PATCH", "/v1/admin/vendors/acme/terms", {"reason": "as written", "bank_account": account})
        assert answer.status_code == 200, answer.text
        yield made


async def did(world: World, method: str, path: str, json: Any = None) -> Any:
    answer = await world("olga", method, f"/v1/admin/bank{path}", json)
    assert answer.status_code in {200, 201}, answer.text
    return answer.json()


async def upload(world: World, *rows: str) -> dict[str, int]:
    return await did(world, "POST", "/files", {"format": "csv", "content": HEADING + "\n".join(rows)})


async def until(seconds: float, ask: Callable[[], Awaitable[T | None]]) -> T:
    """What `ask` gives once that is something."""
    for _ in range(int(seconds / 0.05)):
        if (found := await ask()) is not None:
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(f"nothing within {seconds} s")


async def paying(world: World) -> tuple[str, dict[str, Any]]:
    """An order of 24.90 EUR and what its buyer is told to do."""
    order_id = str((await world.place(("acme", "plain", 2), payment_method="bank_transfer"))["id"])
    return order_id, await told(world, order_id, received=0)


async def told(world: World, order_id: str, *, received: int) -> dict[str, Any]:
    """What the buyer is told once so much has come."""

    async def asked() -> dict[str, Any] | None:
        action = (await world("ada", "GET", f"/v1/orders/{order_id}")).json()["payment"]["action"]
        return action if action is not None and action["received"] == received else None

    return await until(10, asked)


async def test_from_placing_to_the_share(world: World) -> None:
    order_id, action = await paying(world)
    assert (action["type"], action["amount"], action["account"]["iban"]) == ("bank_transfer", 2490, OURS.iban)
    assert (await upload(world, f"A1,2026-01-31,20.00,EUR,{action['reference']},{ADA},"))["matched"] == 1
    await told(world, order_id, received=2000)
    assert (await upload(world, f"A2,2026-01-31,5.00,EUR,{action['reference'].lower()},{ADA},"))["matched"] == 1

    async def ordered() -> list[dict[str, Any]] | None:
        found = (await did(world, "GET", "/orders?state=open"))["data"]
        return found if len(found) == 2 else None

    share, back = sorted(await until(20, ordered), key=lambda order: -order["amount"])
    assert (back["kind"], back["amount"], back["iban"]) == ("give_back", 10, ADA)
    assert (share["kind"], share["vendor"], share["iban"], share["order_id"]) == ("transfer", "acme", ACME.iban, order_id)
    await world.settled(order_id)
    export = await did(world, "POST", "/exports")
    assert export["orders"] == 2
    debits = [
        f"D{each['id']},2026-02-01,-{each['amount'] / 100:.2f},EUR,,,{each['end_to_end']}"
        for each in (await did(world, "GET", "/orders?state=exported"))["data"]
    ]
    assert (await upload(world, *debits))["executed"] == 2
    async with world.wiring.database.reading() as tx:
        books = {entry.account: entry.balance for entry in await ledger.balances(tx, "")}
    ours = books.get("commission", 0) + books.get("tax", 0)
    assert books["clearing:bank"] == -ours == -(2490 - share["amount"])
    assert set(books) <= {"clearing:bank", "commission", "tax"}
    assert await world.breaches() == []


async def test_an_order_that_is_given_up_sends_the_money_back(world: World) -> None:
    order_id, action = await paying(world)
    await upload(world, f"B1,2026-01-31,24.00,EUR,{action['reference']},{ADA},")
    assert (await world("ada", "POST", f"/v1/orders/{order_id}/cancel", {})).status_code in {200, 202}

    async def given_back() -> dict[str, Any] | None:
        view = await did(world, "GET", f"/payments/{action['reference']}")
        return view if view["orders"] else None

    view = await until(10, given_back)
    assert (view["payment"]["state"], [(each["kind"], each["amount"]) for each in view["orders"]]) == ("closed", [("give_back", 2400)])
    await upload(world, f"B2,2026-01-31,0.90,EUR,{action['reference']},{ADA},")
    assert len((await did(world, "GET", f"/payments/{action['reference']}"))["orders"]) == 2, "what comes late goes back too"
    await world.settled(order_id)
    assert await world.breaches() == []


async def test_a_refund_is_sent_and_comes_back_and_is_sent_again(world: World) -> None:
    order_id, action = await paying(world)
    await upload(world, f"C1,2026-01-31,24.90,EUR,{action['reference']},{ADA},")
    await world.until(order_id, "delivered", "completed")
    await world.settled(order_id)
    answer = await world("olga", "POST", f"/v1/admin/orders/{order_id}/refunds", {"reason": "broken"})
    assert answer.status_code == 201, answer.text
    refund_id = answer.json()[0]["id"]

    async def sent(number: int) -> dict[str, Any] | None:
        orders = (await did(world, "GET", f"/payments/{action['reference']}"))["orders"]
        return orders[number] if len(orders) > number else None

    async def state(*wanted: str) -> str | None:
        found = {each["id"]: each["state"] for each in (await world("ada", "GET", f"/v1/orders/{order_id}/refunds")).json()}[refund_id]
        return found if found in wanted else None

    first = await until(10, lambda: sent(0))  # the vendor's share is gone, and cannot be taken back: it is its debt
    assert (first["kind"], first["amount"], first["iban"]) == ("refund", 2490, ADA)
    assert (await upload(world, f"C2,2026-02-01,-24.90,EUR,,,{first['end_to_end']}"))["executed"] == 1
    assert await until(10, lambda: state("succeeded"))
    assert (await upload(world, f"C3,2026-02-03,24.90,EUR,,,{first['end_to_end']}"))["came_back"] == 1
    assert await until(10, lambda: state("failed"))
    assert await world.breaches() == []
    assert (await world("olga", "POST", f"/v1/admin/refunds/{refund_id}/retry")).status_code == 200
    again = await until(10, lambda: sent(1))
    assert (await upload(world, f"C4,2026-02-04,-24.90,EUR,,,{again['end_to_end']}"))["executed"] == 1
    assert await until(10, lambda: state("succeeded"))
    await world.settled(order_id)
    assert await world.breaches() == []
