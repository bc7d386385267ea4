"""Carts and quotes that are asked for at the same moment are made together, each as if it were alone."""

import asyncio
from collections import Counter
from typing import Any

from sqlalchemy import text

from tests.hub_api import ADDRESS, Api
from tests.problem import problem


async def rows(api: Api, query: str, **values: Any) -> list[Any]:
    async with api.wiring.database.reading() as tx:
        return list(await tx.rows(text(query), values))


async def test_each_cart_is_its_own_and_a_wrong_one_is_refused_for_itself(api: Api) -> None:
    mug, tray = await api.offer("mug"), await api.offer("tray", vendor="bolt")
    wishes: list[tuple[str, dict[str, Any]]] = [
        ("ada", {"lines": {mug: 1}}),
        ("bob", {"lines": {mug: 2, tray: 3}}),
        ("ada", {"lines": {mug: 1, "off_nothing": 1}}),
        ("bob", {}),
        ("ada", {"lines": {tray: 1000}}),
        ("ada", {"currency": "USD", "lines": {mug: 1}}),
        ("bob", {"currency": "USD"}),
    ]
    answers = await asyncio.gather(*(api(who, "POST", "/v1/carts", body) for who, body in wishes))
    assert [each.status_code for each in answers] == [201, 201, 404, 201, 422, 409, 201]
    problem(answers[2], 404, "unknown_offer")
    problem(answers[4], 422, "quantity_too_large", f"/lines/{tray}")
    problem(answers[5], 409, "wrong_currency")
    for (who, body), answer in zip(wishes, answers, strict=True):
        if answer.status_code == 201:
            seen = (await api(who, "GET", f"/v1/carts/{answer.json()['id']}")).json()
            assert {line["offer_id"]: line["quantity"] for line in seen["lines"]} == body.get("lines", {})
            assert seen["currency"] == body.get("currency", "EUR")
            other = "bob" if who == "ada" else "ada"
            problem(await api(other, "GET", f"/v1/carts/{answer.json()['id']}"), 404, "unknown_cart")


async def test_they_are_few_transactions(api: Api) -> None:
    mug = await api.offer("mug")
    answers = await asyncio.gather(*(api("ada", "POST", "/v1/carts", {"lines": {mug: 1}}) for _ in range(40)))
    ids = [each.json()["id"] for each in answers]
    asked = "SELECT xmin::text AS tx FROM carts WHERE id = ANY (cast(:ids AS text[]))"
    assert len(Counter(row.tx for row in await rows(api, asked, ids=ids))) < 20
    quoted = await asyncio.gather(*(api("ada", "POST", f"/v1/carts/{cart}/quotes", {"address": ADDRESS}) for cart in ids))
    assert {each.status_code for each in quoted} == {201}
    asked = "SELECT xmin::text AS tx FROM quotes WHERE id = ANY (cast(:ids AS text[]))"
    assert len(Counter(row.tx for row in await rows(api, asked, ids=[each.json()["id"] for each in quoted]))) < 20


async def test_each_quote_is_its_carts_and_a_wrong_one_is_refused_for_itself(api: Api) -> None:
    mug, tray = await api.offer("mug"), await api.offer("tray", vendor="bolt", price=250)
    mine, theirs = await api.cart(lines={mug: 2}), await api.cart("bob", lines={mug: 1, tray: 4})
    empty, usd = await api.cart(), await api.cart(currency="USD")
    wishes = [
        ("ada", mine),
        ("bob", theirs),
        ("ada", theirs),
        ("ada", empty),
        ("ada", mine),
        ("ada", usd),
        ("ada", "cart_none"),
        ("bob", theirs),
    ]
    answers = await asyncio.gather(*(api(who, "POST", f"/v1/carts/{cart}/quotes", {"address": ADDRESS}) for who, cart in wishes))
    assert [each.status_code for each in answers] == [201, 201, 404, 409, 201, 409, 404, 201]
    problem(answers[2], 404, "unknown_cart")
    problem(answers[3], 409, "cart_empty")
    problem(answers[6], 404, "unknown_cart")
    for (who, cart), answer in zip(wishes, answers, strict=True):
        if answer.status_code == 201:
            alone = (await api(who, "POST", f"/v1/carts/{cart}/quotes", {"address": ADDRESS})).json()
            found = answer.json()
            assert found.pop("id") != alone.pop("id")
            assert found.pop("expires_at") <= alone.pop("expires_at")
            assert found == alone
            kept = (await api(who, "GET", f"/v1/quotes/{answer.json()['id']}")).json()
            assert kept == answer.json()


async def test_a_quote_with_a_key_is_made_once(api: Api) -> None:
    cart, key = await api.cart(lines={await api.offer("mug"): 1}), {"Idempotency-Key": "quoted once"}
    path = f"/v1/carts/{cart}/quotes"
    answers = await asyncio.gather(*(api("ada", "POST", path, {"address": ADDRESS}, key) for _ in range(6)))
    assert {each.status_code for each in answers} == {201}
    assert len({each.json()["id"] for each in answers}) == 1
    assert sorted(each.headers.get("idempotent-replayed", "") for each in answers) == ["", *["true"] * 5]
    assert [row.count for row in await rows(api, "SELECT count(*) AS count FROM quotes WHERE cart_id = :cart", cart=cart)] == [1]
    other = {**ADDRESS, "city": "Bonn"}
    problem(await api("ada", "POST", path, {"address": other}, key), 409, "idempotency_key_reused", "header:Idempotency-Key")


async def test_a_refusal_keeps_no_key(api: Api) -> None:
    cart, key = await api.cart(), {"Idempotency-Key": "refused first"}
    path = f"/v1/carts/{cart}/quotes"
    problem(await api("ada", "POST", path, {"address": ADDRESS}, key), 409, "cart_empty")
    await api("ada", "PUT", f"/v1/carts/{cart}/lines/{await api.offer('mug')}", {"quantity": 1})
    assert (await api("ada", "POST", path, {"address": ADDRESS}, key)).status_code == 201
