"""Orders that must be refused, each with a problem that names what is wrong."""

import asyncio

from sqlalchemy import text

from tests.world import World

BODY = {"payment_method": "pm_card_visa"}


async def refused(world: World, body: dict[str, object], who: str = "ada") -> tuple[int, str]:
    answer = await world(who, "POST", "/v1/orders", body)
    assert answer.headers["content-type"].startswith("application/problem+json"), answer.text
    return answer.status_code, answer.json()["type"].removeprefix("/problems/")


async def test_an_unknown_or_foreign_quote(world: World) -> None:
    quote = await world.quote(("acme", "mug", 1))
    assert await refused(world, {**BODY, "quote_id": "quo_nothing"}) == (404, "unknown_quote")
    assert await refused(world, {**BODY, "quote_id": quote["id"]}, "bob") == (404, "unknown_quote")


async def test_a_quote_is_used_once(world: World) -> None:
    quote = await world.quote(("acme", "mug", 1))
    assert (await world("ada", "POST", "/v1/orders", {**BODY, "quote_id": quote["id"]})).status_code == 201
    assert await refused(world, {**BODY, "quote_id": quote["id"]}) == (409, "cart_ordered")


async def test_an_expired_quote(world: World) -> None:
    quote = await world.quote(("acme", "mug", 1))
    async with world.wiring.database.tx() as tx:
        statement = "UPDATE quotes SET body = jsonb_set(body, '{expires_at}', '\"2020-01-01T00:00:00Z\"') WHERE id = :id"
        await tx.execute(text(statement), {"id": quote["id"]})
    assert await refused(world, {**BODY, "quote_id": quote["id"]}) == (409, "quote_expired")


async def test_a_stale_price(world: World) -> None:
    quote = await world.quote(("acme", "moving", 1))
    body = {"price": {"amount": 1100, "currency": "EUR"}, "stock": 5, "product": {"title": "acme moving", "category": "test"}}
    assert (await world("acme", "PUT", "/v1/vendor/offers/moving", body)).status_code == 200
    assert await refused(world, {**BODY, "quote_id": quote["id"]}) == (409, "stale_price")


async def test_a_paused_offer(world: World) -> None:
    quote = await world.quote(("acme", "pausing", 1))
    body = {
        "price": {"amount": 1000, "currency": "EUR"},
        "stock": 5,
        "state": "paused",
        "product": {"title": "acme pausing", "category": "test"},
    }
    assert (await world("acme", "PUT", "/v1/vendor/offers/pausing", body)).status_code == 200
    assert await refused(world, {**BODY, "quote_id": quote["id"]}) == (409, "offer_unavailable")


async def test_wrong_choices_are_named(world: World) -> None:
    quote = await world.quote(("acme", "mug", 1))
    for body, field in (
        ({"shipping": {"bolt": "standard"}}, "/shipping/bolt"),
        ({"shipping": {"acme": "teleport"}}, "/shipping/acme"),
    ):
        answer = await world("ada", "POST", "/v1/orders", {**BODY, "quote_id": quote["id"], **body})
        assert (answer.status_code, answer.json()["field"]) == (422, field)
    for more, field in (({"payment_method": "cash"}, "/payment_method"), ({"on_shortage": "pray"}, "/on_shortage"), ({"tip": 5}, "/tip")):
        answer = await world("ada", "POST", "/v1/orders", {**BODY, "quote_id": quote["id"], **more})
        assert (answer.status_code, answer.json().get("field")) == (400, field), answer.text


async def test_the_last_units_are_sold_once(world: World) -> None:
    await world.offer("acme", "rare", stock=3)
    quotes = await asyncio.gather(*(world.quote(("acme", "rare", 1)) for _ in range(8)))
    answers = await asyncio.gather(*(world("ada", "POST", "/v1/orders", {**BODY, "quote_id": quote["id"]}) for quote in quotes))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [201] * 3 + [409] * 5
    assert {answer.json()["type"] for answer in answers if answer.status_code == 409} == {"/problems/sold_out"}
    for answer in answers:
        if answer.status_code == 201:
            await world.until(answer.json()["id"], "completed")
    assert await world.breaches() == []
