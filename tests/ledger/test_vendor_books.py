"""A vendor sees its own money to the cent, now and in any past period, and nobody else's."""

import csv
import io
import itertools
from collections import defaultdict
from datetime import datetime
from typing import Any

import pytest

from hub.ledger.recipes import Posting
from hub.runtime.database import Database
from tests.ledger.conftest import Books
from tests.ledger.told import Told, book

pytestmark = pytest.mark.usefixtures("story")

POTS = ("held", "reserved", "due", "transferred")


def pots(standing: list[dict[str, Any]]) -> dict[str, tuple[int, ...]]:
    return {one["currency"]: tuple(one[pot] for pot in POTS) for one in standing}


def period(start: datetime, end: datetime) -> dict[str, str]:
    return {"from": start.isoformat(), "to": end.isoformat()}


async def test_a_balance_in_figures(books: Books) -> None:
    assert await books.get("a", "/v1/vendor/balance") == [
        {"currency": "EUR", "held": 0, "reserved": 0, "due": -850, "on_its_way": 0, "transferred": 8_100, "reversed": 2_000}
    ]
    assert (await books.get("a-b", "/v1/vendor/balance"))[0]["held"] == 2_700
    assert await books.get("ab", "/v1/vendor/balance") == []


async def test_a_statement_tells_every_change_with_its_reason(books: Books, story: Told) -> None:
    found = await books.get("a", "/v1/vendor/statements", **period(story.before, story.ended))
    assert pots(found["opening"]) == {}
    assert pots(found["closing"]) == {"EUR": (0, 0, -850, 6_100)}
    assert [(e["kind"], e["pot"], e["amount"], e["reference"], e["sub_order_id"]) for e in found["data"]] == [
        ("allocate", "held", 9_000, "ch_1", "sub_1"),
        ("release", "held", -900, None, "sub_1"),
        ("release", "reserved", 900, None, "sub_1"),
        ("transfer", "held", -8_100, "tr_1", "sub_1"),
        ("transfer", "transferred", 8_100, "tr_1", "sub_1"),
        ("reverse", "transferred", -2_000, "trr_1", None),
        ("gather", "reserved", -900, None, "sub_1"),
        ("gather", "due", -700, None, None),
        ("fine", "due", -150, None, None),
    ]
    assert {e["why"] for e in found["data"]} == {
        "your share of a sale, after commission and the tax on it",
        "kept for a while against refunds and disputes",
        "transferred to your account",
        "your part of a refund, taken back from your account",
        "your part of a refund, from your reserve",
        "your part of a refund, owed by you",
        "a fine",
    }


@pytest.mark.parametrize("cuts", [("before", "ended"), ("before", "sold", "ended"), ("before", "sold", "sent", "ended")])
@pytest.mark.parametrize("limit", [1, 4, 100])
async def test_statements_add_up_and_follow_one_on_the_other(books: Books, story: Told, cuts: tuple[str, ...], limit: int) -> None:
    have: dict[tuple[str, str], int] = defaultdict(int)
    moments = [getattr(story, cut) for cut in cuts]
    for start, end in itertools.pairwise(moments):
        found = await books.get("a", "/v1/vendor/statements", **period(start, end))
        assert pots(found["opening"]) == ({"EUR": tuple(have["EUR", pot] for pot in POTS)} if have else {})
        for entry in await books.all("a", "/v1/vendor/statements", limit=limit, **period(start, end)):
            have[entry["currency"], entry["pot"]] += entry["amount"]
        assert pots(found["closing"]) == {"EUR": tuple(have["EUR", pot] for pot in POTS)}


@pytest.mark.parametrize("asked", [("/v1/vendor/statements.csv", {}), ("/v1/vendor/statements", {"accept": "text/csv"})])
async def test_rows_add_up_too(books: Books, story: Told, asked: tuple[str, dict[str, str]]) -> None:
    answer = await books("a", asked[0], **asked[1], **period(story.sold, story.ended))
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"].startswith('attachment; filename="statement-a-')
    assert answer.text.endswith("\r\n")
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    sums: dict[str, dict[str, int]] = {word: defaultdict(int) for word in ("opening", "entry", "closing")}
    for row in rows:
        sums[row["entry"]][row["pot"]] += int(row["amount_minor"])
        assert row["amount"] == f"{int(row['amount_minor']) / 100:.2f}"
    for pot in POTS:
        assert sums["opening"][pot] + sums["entry"][pot] == sums["closing"][pot]
    assert dict(sums["closing"]) == {"held": 0, "reserved": 0, "due": -850, "transferred": 6_100}
    assert dict(sums["opening"])["held"] == 9_000


async def test_the_story_of_a_sub_order_is_its_vendors_alone(books: Books) -> None:
    entries = await books.get("a", "/v1/vendor/orders/sub_1/ledger")
    assert sum(e["amount"] for e in entries if e["kind"] != "fine") == 9_000 - 3_600
    assert [e["amount"] for e in await books.get("a-b", "/v1/vendor/orders/sub_2/ledger")] == [2_700]
    for who, sub in (("a", "sub_2"), ("a-b", "sub_1"), ("ab", "sub_1"), ("a", "sub_9"), ("a", "%"), ("a", "sub__")):
        assert (await books(who, f"/v1/vendor/orders/{sub}/ledger")).status_code == 404


async def test_a_code_that_begins_alike_opens_nothing(books: Books, story: Told, database: Database) -> None:
    await book(database, "bonus", [Posting("bonuses", "vendor:ab", 11, "JPY")], vendor="ab")
    everything = period(story.before, story.ended)
    amounts = {who: [e["amount"] for e in await books.all(who, "/v1/vendor/statements", **everything)] for who in ("a", "a-b", "ab")}
    assert amounts["a-b"] == [2_700]
    assert amounts["ab"] == []
    assert len(amounts["a"]) == 9
    assert await books.get("ab", "/v1/vendor/balance") == [
        {"currency": "JPY", "held": 0, "reserved": 0, "due": 11, "on_its_way": 0, "transferred": 0, "reversed": 0}
    ]


@pytest.mark.parametrize("path", ["/v1/vendor/statements", "/v1/vendor/statements.csv"])
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"from": "yesterday"}, "from"),
        ({"to": "2026-02-30"}, "to"),
        ({"to": "2026-01-31T12:00:00"}, "to"),
        ({"to": "0001-01-01T00:00:00+14:00"}, "to"),
        ({"to": "9999-12-31"}, "to"),
        ({"from": "2026-02-02", "to": "2026-02-01"}, "from"),
        ({"from": "2024-01-01", "to": "2026-01-01"}, "from"),
        ({"from": "1" * 60}, "from"),
    ],
)
async def test_no_such_period(books: Books, path: str, query: dict[str, str], field: str) -> None:
    answer = await books("a", path, **query)
    assert (answer.status_code, answer.json()["field"]) == (400, field)


@pytest.mark.parametrize("cursor", ["!", "e30", "WzEsMl0", "bnVsbA"])
async def test_no_such_cursor(books: Books, cursor: str) -> None:
    answer = await books("a", "/v1/vendor/statements", cursor=cursor)
    assert (answer.status_code, answer.json()["field"]) == (400, "cursor")


async def test_operators_are_no_vendors(books: Books) -> None:
    for path in ("/v1/vendor/balance", "/v1/vendor/statements", "/v1/vendor/statements.csv", "/v1/vendor/orders/sub_1/ledger"):
        assert (await books("olga", path)).status_code == 403
