"""An operator finds every account, posting and transaction, now and at past moments, as JSON and as rows."""

import csv
import io

import pytest

from hub.ledger import browse
from hub.ledger.recipes import Posting
from hub.runtime.database import Database
from tests.ledger.conftest import Books
from tests.ledger.told import Told, book

LEDGER = "/v1/admin/ledger"

pytestmark = pytest.mark.usefixtures("story")


async def test_accounts_by_whole_words(books: Books) -> None:
    async def found(**query: str) -> dict[str, int]:
        return {one["account"]: one["balance"] for one in await books.all("olga", f"{LEDGER}/accounts", limit=2, **query)}

    everything = await found()
    assert sum(everything.values()) == 0
    assert everything["clearing:stripe"] == -(13_000 - 400 - 8_100 + 2_000 - 4_000)
    assert list(everything) == sorted(everything)
    assert await found(prefix="held:a-b") == await found(prefix="held:a-b:") == {"held:a-b:sub_2": 2_700}
    assert await found(prefix="held:a") == await found(prefix="he") == await found(prefix="held:_") == await found(prefix="%") == {}
    assert await found(prefix="commission") == {"commission": 1_560 - 504}
    assert await found(prefix="clearing") == {"clearing:stripe": everything["clearing:stripe"]}


async def test_accounts_at_a_past_moment(books: Books, story: Told) -> None:
    async def at(moment: str) -> dict[str, int]:
        page = await books.get("olga", f"{LEDGER}/accounts", limit=100, at=moment)
        return {one["account"]: one["balance"] for one in page["data"]}

    assert await at(story.before.isoformat()) == {}
    sold = await at(story.sold.isoformat())
    assert (sold["held:a:sub_1"], sold["commission"], sold["discounts"]) == (9_000, 1_560, -500)
    assert "order:ord_1" not in sold
    one = await books.get("olga", f"{LEDGER}/accounts/held:a:sub_1", at=story.sold.isoformat())
    assert one["balances"] == [{"account": "held:a:sub_1", "currency": "EUR", "balance": 9_000}]
    later = await books.get("olga", f"{LEDGER}/accounts/held:a:sub_1")
    assert later["balances"] == [{"account": "held:a:sub_1", "currency": "EUR", "balance": 0}]


async def test_an_accounts_postings_newest_first(books: Books) -> None:
    for limit in (1, 2, 50):
        found = await books.all("olga", f"{LEDGER}/accounts/held:a:sub_1/postings", limit=limit)
        assert [(one["kind"], one["other"], one["amount"], one["reference"]) for one in found] == [
            ("transfer", "clearing:stripe", -8_100, "tr_1"),
            ("release", "reserve:a:sub_1", -900, None),
            ("allocate", "order:ord_1", 9_000, "ch_1"),
        ]


async def test_transactions_by_what_they_are_about(books: Books, story: Told) -> None:
    async def kinds(**query: str) -> list[str]:
        return [one["kind"] for one in await books.all("olga", f"{LEDGER}/transactions", limit=3, **query)]

    assert await kinds(order_id="ord_1") == ["capture", "allocate", "release", "transfer", "reverse", "gather", "refund", "fine"]
    assert await kinds(reference="tr_1") == ["transfer"]
    assert await kinds(kind="allocate", order_id="ord_1") == ["allocate"]
    assert await kinds(order_id="ord_1", to=story.sold.isoformat()) == ["capture", "allocate"]
    assert await kinds(order_id="ord_1", **{"from": story.sent.isoformat()}) == ["reverse", "gather", "refund", "fine"]
    assert await kinds(vendor="nobody") == []
    (found,) = await books.all("olga", f"{LEDGER}/transactions", reference="tr_1")
    assert found == await books.get("olga", f"{LEDGER}/transactions/{found['id']}")
    assert found["postings"] == [{"source": "held:a:sub_1", "destination": "clearing:stripe", "amount": 8_100, "currency": "EUR"}]


@pytest.mark.parametrize("asked", [(f"{LEDGER}/transactions.csv", {}), (f"{LEDGER}/transactions", {"accept": "text/csv"})])
async def test_rows_are_all_postings(
    books: Books, database: Database, monkeypatch: pytest.MonkeyPatch, asked: tuple[str, dict[str, str]]
) -> None:
    monkeypatch.setattr(browse, "BATCH", 3)
    evil = '=HYPERLINK("http://x","y")'
    await book(
        database, "strange", [Posting("bonuses", "vendor:odd", 1234, "KWD")], order_id="ord_2", cause=evil + asked[0], reference="-1+2"
    )
    answer = await books("olga", asked[0], **asked[1])
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert sum(row["order"] == "ord_1" for row in rows) == 18
    assert sum(int(row["amount_minor"]) for row in rows if row["kind"] == "transfer") == 8_100
    odd = next(row for row in rows if row["order"] == "ord_2")
    assert (odd["amount"], odd["amount_minor"], odd["reference"]) == ("1.234", "1234", "'-1+2")
    assert odd["cause"].startswith("'" + evil)


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        (f"{LEDGER}/accounts/nobody", 404, "unknown_account"),
        (f"{LEDGER}/accounts/nobody/postings", 404, "unknown_account"),
        (f"{LEDGER}/transactions/txn_x", 404, "unknown_transaction"),
        (f"{LEDGER}/accounts?at=now", 400, "at"),
        (f"{LEDGER}/accounts?cursor=x", 400, "cursor"),
        (f"{LEDGER}/accounts/commission?at=2026-13-01", 400, "at"),
        (f"{LEDGER}/accounts/commission/postings?cursor=eA", 400, "cursor"),
        (f"{LEDGER}/transactions?from=2026-01-02&to=2026-01-01", 400, "from"),
        (f"{LEDGER}/transactions?from=2020-01-01", 400, "from"),
        (f"{LEDGER}/transactions?cursor=WyJ4IiwieSJd", 400, "cursor"),
        (f"{LEDGER}/transactions.csv?to=soon", 400, "to"),
        (f"{LEDGER}/accounts?limit=0", 400, "limit"),
    ],
)
async def test_what_makes_no_sense_is_refused(books: Books, path: str, status: int, said: str) -> None:
    answer = await books("olga", path)
    assert answer.status_code == status
    assert said in (answer.json().get("field"), answer.json()["type"].removeprefix("/problems/"))


async def test_vendors_are_no_operators(books: Books) -> None:
    for path in ("accounts", "accounts/held:a:sub_1", "accounts/held:a:sub_1/postings", "transactions", "transactions.csv"):
        assert (await books("a", f"{LEDGER}/{path}")).status_code == 403
