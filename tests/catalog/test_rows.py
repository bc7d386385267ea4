"""Offers and counts by the hundred: each row for itself."""

import asyncio
from typing import Any

from tests.catalog.test_offers import terms
from tests.hub_api import Api
from tests.problem import problem

EUR = {"amount": 100, "currency": "EUR"}


def row(sku: str, **change: Any) -> dict[str, Any]:
    return {"sku": sku, **terms(**change)}


async def put(api: Api, kind: str, *rows: Any, key: str | None = None) -> dict[str, Any]:
    answer = await api("acme", "POST", f"/v1/vendor/{kind}-rows", {"rows": list(rows)}, {"Idempotency-Key": key} if key else None)
    assert answer.status_code == 200, answer.text
    assert [result["index"] for result in answer.json()["data"]] == list(range(len(rows)))
    return answer.json()


def told(result: dict[str, Any]) -> tuple[int, str, str | None]:
    assert result["offer"] is None
    assert result["status"] == result["problem"]["status"]
    return result["status"], result["problem"]["type"].removeprefix("/problems/"), result["problem"].get("field")


async def test_a_bad_row_says_what_is_wrong_and_stops_no_other(api: Api) -> None:
    theirs = (await api("bolt", "PUT", "/v1/vendor/offers/theirs", terms())).json()
    joined = {"sku": "joined", "price": EUR, "stock": 1, "variant_id": theirs["variant_id"]}
    assert (await api("acme", "PUT", "/v1/vendor/offers/joined", {k: v for k, v in joined.items() if k != "sku"})).status_code == 200
    done = await put(
        api,
        "offer",
        row("r0"),
        row("r1", price={"amount": "9.99", "currency": "EUR"}),
        row("r2", price={"amount": 0, "currency": "EUR"}),
        {"sku": "r3", "price": EUR, "stock": 1},
        {"sku": "r4", "price": EUR, "stock": 1, "variant_id": "var_x"},
        row("r0"),
        {"price": EUR, "stock": 1},
        row("r7", color="red"),
        row("joined"),
        row("r9", stock=3),
    )
    assert done["failed"] == 8
    good = [result for result in done["data"] if result["problem"] is None]
    assert [(each["index"], each["status"], each["offer"]["sku"], each["offer"]["stock"]) for each in good] == [
        (0, 201, "r0", 5),
        (9, 201, "r9", 3),
    ]
    assert [told(result) for result in done["data"] if result["problem"]] == [
        (400, "invalid_request", "/rows/1/price/amount"),
        (422, "price_zero", "/rows/2/price/amount"),
        (422, "product_missing", "/rows/3/product"),
        (404, "unknown_variant", "/rows/4"),
        (422, "sku_twice", "/rows/5/sku"),
        (400, "invalid_request", "/rows/6/sku"),
        (400, "invalid_request", "/rows/7/color"),
        (409, "product_not_yours", "/rows/8"),
    ]
    assert (await api("acme", "GET", "/v1/vendor/offers/r9")).status_code == 200
    problem(await api("acme", "GET", "/v1/vendor/offers/r2"), 404, "unknown_offer")


async def test_a_row_that_was_changed_meanwhile_is_told_its_version(api: Api) -> None:
    made = await put(api, "offer", row("v0", version=0), row("v1"))
    assert [result["offer"]["version"] for result in made["data"]] == [1, 1]
    stale = await put(api, "offer", row("v0", version=0, stock=9), row("v1", version=1, stock=9))
    assert told(stale["data"][0]) == (409, "version_mismatch", "/rows/0/version")
    assert stale["data"][0]["problem"]["facts"] == {"version": 1}
    assert (stale["data"][1]["offer"]["stock"], stale["data"][1]["offer"]["version"]) == (9, 2)
    assert (await api("acme", "GET", "/v1/vendor/offers/v0")).json()["stock"] == 5


async def test_stock_is_counted_row_by_row(api: Api) -> None:
    await put(api, "offer", row("s0"), row("s1"), row("s2"))
    done = await put(
        api,
        "stock",
        {"sku": "s0", "stock": 0},
        {"sku": "s1", "stock": 7, "version": 1},
        {"sku": "s2", "stock": 7, "version": 4},
        {"sku": "nowhere", "stock": 1},
        {"sku": "s1", "stock": -1},
    )
    assert [(each["offer"]["sku"], each["offer"]["stock"], each["offer"]["version"]) for each in done["data"][:2]] == [
        ("s0", 0, 2),
        ("s1", 7, 2),
    ]
    assert [told(each) for each in done["data"][2:]] == [
        (409, "version_mismatch", "/rows/2/version"),
        (404, "unknown_offer", "/rows/3/sku"),
        (400, "invalid_request", "/rows/4/stock"),
    ]
    assert done["data"][2]["problem"]["facts"] == {"version": 1}
    assert (await api("acme", "GET", "/v1/vendor/offers/s1")).json()["price"] == EUR


async def test_one_count_goes_by_the_version_last_seen(api: Api) -> None:
    await put(api, "offer", row("one"))
    path = "/v1/vendor/offers/one/stock"
    counted = await api("acme", "PUT", path, {"stock": 2}, {"If-Match": '"1"'})
    assert (counted.json()["stock"], counted.json()["version"], counted.headers["etag"]) == (2, 2, 'W/"2"')
    stale = problem(await api("acme", "PUT", path, {"stock": 3}, {"If-Match": '"1"'}), 412, "version_mismatch")
    assert stale["facts"] == {"version": 2}
    problem(await api("acme", "PUT", path, {"stock": -1}), 400, "invalid_request", "/stock")
    problem(await api("bolt", "PUT", path, {"stock": 1}), 404, "unknown_offer")


async def test_the_same_key_puts_rows_once(api: Api) -> None:
    twins = await asyncio.gather(*(put(api, "offer", row("k0"), row("k1", stock=-1), key="rows-1") for _ in range(4)))
    assert all(twin == twins[0] for twin in twins)
    assert (await api("acme", "GET", "/v1/vendor/offers/k0")).json()["version"] == 1


async def test_five_hundred_rows_at_once_and_not_one_more(api: Api) -> None:
    many = [row(f"n{n}") for n in range(500)]
    assert (await put(api, "offer", *many))["failed"] == 0
    counts = [{"sku": f"n{n}", "stock": n} for n in range(500)]
    assert (await put(api, "stock", *counts))["failed"] == 0
    for kind in ("offer", "stock"):
        problem(await api("acme", "POST", f"/v1/vendor/{kind}-rows", {"rows": [{}] * 501}), 400, "invalid_request", "/rows")


async def test_what_is_no_list_of_rows_is_refused_whole(api: Api) -> None:
    wrong: list[tuple[Any, str]] = [({}, "/rows"), ({"rows": []}, "/rows"), ({"rows": [1]}, "/rows/0"), ({"rows": [{}], "all": 1}, "/all")]
    for body, field in wrong:
        problem(await api("acme", "POST", "/v1/vendor/offer-rows", body), 400, "invalid_request", field)
