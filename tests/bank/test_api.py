"""The bank over HTTP: an operator's day, what only operators may, and what buyers are told of the ways to pay."""

from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from hub.app import create_app
from hub.gateways.bank.gateway import BankGateway
from hub.payments import store as payments
from hub.payments.availability import Health, note_health
from hub.settings import load_settings
from hub.wiring import bank_account, wire
from tests.bank import statements
from tests.bank.hands import ADA, BOB, OURS
from tests.bank.statements import details, entry
from tests.hub_api import Api, people, settings_for

PATH = "/v1/admin/bank"


@pytest_asyncio.fixture(scope="module")
async def api(database_url: str) -> AsyncGenerator[Api]:
    """The API of a hub with a bank account."""
    ours = {f"WHEELWRIGHT__BANK__{name.upper()}": str(getattr(OURS, name)) for name in ("holder", "iban", "bic")}
    wiring = wire(load_settings(environ=settings_for(database_url, **ours)), "test")
    keys = await people(wiring.database)
    app = create_app(wiring)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)  # pyright: ignore[reportArgumentType]  # litestar's own ASGI types
    async with httpx.AsyncClient(transport=transport, base_url="http://hub") as http:
        yield Api(app, wiring, http, keys)
    await wiring.close()


@pytest_asyncio.fixture
async def reference(api: Api, request: pytest.FixtureRequest) -> str:
    """A payment of 100.00 EUR that a buyer was told to make."""
    order_id = f"ord_{abs(hash(request.node.nodeid))}"
    gateway = BankGateway(api.wiring.database, bank_account(api.wiring.settings))
    async with api.wiring.database.tx() as tx:
        payments.open_payment(tx, order_id=order_id, method="bank_transfer", amount=10_000, currency="EUR")
    opened = await gateway.open_payment(order_id, order_id=order_id, amount=10_000, currency="EUR", payment_method="bank_transfer")
    return (await gateway.authorize("a", opened.reference)).reference


async def did(api: Api, method: str, path: str, json: Any = None, status: int = 200) -> Any:
    """What olga is answered."""
    answer = await api("olga", method, PATH + path, json)
    assert answer.status_code == status, answer.text
    return answer.json() if "json" in answer.headers["content-type"] else answer.text


async def test_a_day(api: Api, reference: str) -> None:
    entries = [entry("130.00", "A1", details(structured=reference, iban=ADA)), entry("5.00", "A2", details(said="?", iban=BOB))]
    file = {"format": "camt.053", "content": statements.camt(OURS.iban, entries)}
    report = await did(api, "POST", "/files", file)
    assert report == {"lines": 2, "known": 0, "matched": 1, "unmatched": 1, "executed": 0, "came_back": 0, "unexplained": 0}
    assert (await did(api, "POST", "/files", file))["known"] == 2
    assert reference in {payment["reference"] for payment in (await did(api, "GET", "/payments?state=held"))["data"]}
    [stray] = (await did(api, "GET", "/receipts"))["data"]
    assert (stray["amount"], stray["payer_iban"]) == (500, BOB)
    await did(api, "POST", f"/receipts/{stray['id']}/send-back", {"reason": "unknown"})
    gateway = BankGateway(api.wiring.database, bank_account(api.wiring.settings))
    await gateway.capture("c", reference, 10_000)

    export = await did(api, "POST", "/exports", status=201)
    assert export["orders"] == 2
    xml = await did(api, "GET", f"/exports/{export['id']}/pain.001")
    assert xml == await did(api, "GET", f"/exports/{export['id']}/pain.001")
    rows = (await did(api, "GET", f"/exports/{export['id']}/csv")).splitlines()[1:]
    assert sorted(row.split(",")[1] for row in rows) == ["30.00", "5.00"]
    heading = "bank_id,booked_on,amount,currency,end_to_end_id\n"
    debits = [f"D{row.split(',')[0]},2026-02-01,-{row.split(',')[1]},EUR,{row.split(',')[0]}" for row in rows]
    assert all(debit.rpartition(",")[2] in xml for debit in debits)
    report = await did(api, "POST", "/files", {"format": "csv", "content": heading + "\n".join(debits)})
    assert report["executed"] == 2
    view = await did(api, "GET", f"/payments/{reference}")
    assert (view["payment"]["state"], view["payment"]["received"], [order["state"] for order in view["orders"]]) == (
        "captured",
        13_000,
        ["executed"],
    )
    assert (await did(api, "POST", "/exports", status=201)) == {"id": None, "orders": 0}


async def test_by_hand(api: Api, reference: str) -> None:
    seen = {"bank_id": reference, "booked_on": "2026-01-31", "amount": 10_000, "currency": "EUR", "note": "on the screen"}
    confirmed = await did(api, "POST", f"/payments/{reference}/receipts", seen, 201)
    assert (confirmed["state"], confirmed["received"]) == ("held", 10_000)
    gateway = BankGateway(api.wiring.database, bank_account(api.wiring.settings))
    await gateway.void("v", reference)
    [order] = (await did(api, "GET", f"/payments/{reference}"))["orders"]
    await did(api, "PUT", f"/orders/{order['id']}/account", {"reason": "she said", "account": {"holder": "Ada", "iban": ADA}})
    assert (await did(api, "POST", f"/orders/{order['id']}/failed", {"reason": "closed"}))["state"] == "failed"
    again = await did(api, "POST", f"/orders/{order['id']}/retry", {"reason": "new one", "account": {"holder": "Ada", "iban": BOB}})
    assert (await did(api, "POST", f"/orders/{again['id']}/executed", {"reason": "on the screen"}))["state"] == "executed"
    assert again["id"] in {each["id"] for each in (await did(api, "GET", "/orders?state=executed"))["data"]}


async def test_a_receipt_is_assigned(api: Api, reference: str) -> None:
    content = f"bank_id,booked_on,amount,currency\nX{reference},2026-01-31,100.00,EUR"
    await did(api, "POST", "/files", {"format": "csv", "content": content})
    [stray] = (await did(api, "GET", "/receipts"))["data"]
    assert (await did(api, "POST", f"/receipts/{stray['id']}/assign", {"reference": reference, "note": "by her name"}))["state"] == "held"
    assert stray["id"] in {line["id"] for line in (await did(api, "GET", "/receipts?show=all&limit=100"))["data"]}


async def test_bad_files_name_their_lines(api: Api) -> None:
    bad = await did(api, "POST", "/files", {"format": "csv", "content": "bank_id,booked_on,amount,currency\nB,x,1,EUR"}, 422)
    assert (bad["type"], bad["field"], bad["facts"]["lines"]) == ("/problems/bank_file_malformed", "/content", [2])
    other = statements.camt(BOB, [entry("1.00", "A")])
    assert (await did(api, "POST", "/files", {"format": "camt.053", "content": other}, 422))["type"] == "/problems/bank_file_malformed"
    assert (await did(api, "POST", "/files", {"format": "mt940", "content": ":20:"}, 400))["field"] == "/format"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/payments/RF18539007547034", None),
        ("POST", "/receipts/bln_x/assign", {"reference": "RF18539007547034", "note": "x"}),
        ("POST", "/receipts/bln_x/send-back", {"reason": "x"}),
        ("PUT", "/orders/bor_x/account", {"reason": "x", "account": {"holder": "Ada", "iban": ADA}}),
        ("POST", "/orders/bor_x/executed", {"reason": "x"}),
        ("POST", "/orders/bor_x/failed", {"reason": "x"}),
        ("POST", "/orders/bor_x/retry", {"reason": "x"}),
        ("GET", "/exports/bex_x/pain.001", None),
        ("GET", "/exports/bex_x/csv", None),
    ],
)
async def test_what_is_not_there(api: Api, method: str, path: str, body: Any) -> None:
    await did(api, method, path, body, 404)


async def test_only_operators(api: Api) -> None:
    for who in ("ada", "acme"):
        assert (await api(who, "GET", f"{PATH}/payments")).status_code == 403
        assert (await api(who, "POST", f"{PATH}/exports")).status_code == 403


async def test_while_cards_do_not_work_bank_transfers_stand_first(api: Api) -> None:
    async def offered() -> list[tuple[str, bool, bool]]:
        answer = await api("", "GET", "/v1/payment-methods")
        assert answer.status_code == 200
        return [(each["gateway"], each["works"], each["at_once"]) for each in answer.json()]

    assert await offered() == [("stripe", True, True), ("bank", True, False)]
    await note_health(api.wiring.database, "stripe", Health.DOWN)
    assert await offered() == [("bank", True, False), ("stripe", False, True)]
    await note_health(api.wiring.database, "stripe", Health.OK)
    assert await offered() == [("stripe", True, True), ("bank", True, False)]
