"""What a real hub answers is what the client reads: every question once, about an order's whole life."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from hub.app import create_app
from hub.payouts import send as payout
from hub.payouts.store import NewPayout
from hub.runtime import auth
from hub.runtime.database import Actor
from tests.served import served
from tests.triage.conftest import spokes
from tests.triage.spokes import Spokes
from vendor_sdk.client import AsyncClient, Client
from vendor_sdk.client.answers import Money
from vendor_sdk.client.connection import Patience
from vendor_sdk.client.errors import Conflict, Invalid, NotAuthenticated, NotFound
from vendor_sdk.client.offered import Described, OfferRow, StockRow, Terms

__all__ = ["spokes"]

EUR = Money(amount=1500, currency="EUR")
TEA = Terms(price=EUR, stock=5, product=Described(title="Tea", category="food"))


@pytest_asyncio.fixture
async def url(spokes: Spokes) -> AsyncGenerator[str]:
    async with served(create_app(spokes.shop.wiring)) as address:
        yield address


async def key_of(spokes: Spokes, kind: str, name: str) -> str:
    async with spokes.database.tx() as tx:
        return await auth.issue(tx, Actor(kind, name))  # pyright: ignore[reportArgumentType]  # each is a kind


@pytest_asyncio.fixture
async def acme(spokes: Spokes, url: str) -> AsyncGenerator[AsyncClient]:
    async with AsyncClient(url, await key_of(spokes, "vendor", "acme"), patience=Patience(call=30)) as client:
        yield client


async def everything(of: AsyncIterator[Any]) -> list[Any]:
    return [each async for each in of]


async def test_every_question_is_answered_as_it_is_read(spokes: Spokes, acme: AsyncClient) -> None:
    _, letter = await spokes.dead_order(("acme", "cup", 1000, 1))
    placed = await spokes.order(("acme", "mug", 2000, 2))
    await spokes.work_off()
    [order] = [each for each in await everything(acme.orders.all(state="settled")) if each.order_id == placed.id]
    assert (order.awaits, order.total.amount, [line.quantity for line in order.lines]) == (None, 4490, [2])
    commission = await acme.orders.commission(order.id)
    assert (commission.commission, [piece.commission for piece in commission.pieces if piece.fees]) != (None, [])
    refund = await acme.orders.refund(order.id, "one was broken", [{"line_id": order.lines[0].id, "quantity": 1}])
    await spokes.shop.run()
    [same] = await everything(acme.refunds.all())
    assert (same.id, same.amount, same.state) == (refund.id, Money(amount=2000, currency="EUR"), "succeeded")
    assert (await acme.refunds.page(limit=1)).next_cursor is None

    [balance] = await acme.books.balance()
    entries = await everything(acme.books.entries())
    statement = await acme.books.statement(limit=1)
    assert balance.currency == "EUR"
    assert len(entries) > 1 == len(statement.data)
    assert sum(entry.amount for entry in entries if entry.pot == "due") == statement.closing[0].due - sum(
        each.due for each in statement.opening
    )
    assert (await acme.books.statement_rows()).count(b"\n") > len(entries)
    assert await acme.orders.ledger(order.id) != []

    assert {each.id for each in await everything(acme.letters.all(state="open"))} >= {letter.id}
    found = await acme.letters.get(letter.id)
    assert found.failures[0].error
    replayed = await acme.letters.replay(letter.id, "mended", version=found.version)
    assert replayed.state == "replaying"
    with pytest.raises(Conflict) as stale:
        await acme.letters.replay(letter.id, "mended", version=found.version)
    assert stale.value.current_version == replayed.version


async def test_how_one_stands_is_read(spokes: Spokes, acme: AsyncClient) -> None:
    async with spokes.database.tx() as tx:
        made = await payout.request(tx, NewPayout(vendor="acme", gateway="stripe", account="acct_1", amount=100, currency="EUR"))
    assert [each.amount.amount for each in await everything(acme.payouts.all())] == [100]
    shown = await acme.payouts.get(made.id)
    assert (shown.id, shown.contains) == (made.id, None)
    assert await everything(acme.books.adjustments()) == []
    promises = await acme.standing.promises()
    assert promises.in_force.acceptance.seconds > 0
    card = await acme.standing.scorecard(7)
    assert (card.days, card.vendor) == (7, "acme")
    for figure in card.figures:
        assert await everything(acme.standing.behind(figure, side="among")) == []
    assert (await acme.standing.terms()).vendor == "acme"
    assert (await acme.standing.account()).state == "onboarding"
    assert (await acme.standing.liveness()).health is not None


async def test_offers_and_their_versions(acme: AsyncClient, url: str) -> None:
    made = await acme.offers.put("tea", TEA, version=0)
    assert (made.version, made.stock) == (1, 5)
    with pytest.raises(Conflict) as late:
        await acme.offers.put("tea", TEA, version=7)
    assert (late.value.code, late.value.current_version) == ("version_mismatch", 1)
    assert (await acme.offers.count("tea", 9, version=1)).stock == 9
    rows = [OfferRow(sku=f"tea-{n}", price=EUR, stock=n, product=Described(title="Tea", category="food")) for n in range(3)]
    rows.append(OfferRow(sku="tea", price=EUR, stock=1, version=1))
    results = await acme.offers.put_rows(rows)
    assert [result.status for result in results] == [201, 201, 201, 409]
    assert results[3].current_version == 2
    counted = await acme.offers.count_rows([StockRow(sku="tea-1", stock=7), StockRow(sku="tee", stock=7)])
    assert [result.status for result in counted] == [200, 404]
    assert counted[0].offer is not None
    assert counted[0].offer.stock == 7
    assert {offer.sku for offer in await everything(acme.offers.all())} >= {"tea", "tea-0", "tea-1", "tea-2"}
    assert [offer.sku for offer in await acme.offers.put_together(rows[:1])] == ["tea-0"]
    with pytest.raises(Invalid) as wrong:
        await acme.offers.put("tea", Terms(price=Money(amount=0, currency="EUR"), stock=1))
    assert (wrong.value.code, wrong.value.field) == ("price_zero", "/price/amount")
    assert wrong.value.request_id
    with pytest.raises(NotFound):
        await acme.offers.get("coffee")
    with Client(url, "wk_vendor_of_nobody_at_all") as nobody, pytest.raises(NotAuthenticated):
        await asyncio.to_thread(nobody.offers.get, "tea")


async def test_endpoints_and_what_they_were_told(acme: AsyncClient) -> None:
    made = await acme.endpoints.register("https://vendor.example.com/hooks", types=["order.placed"], description="ours", state="disabled")
    [secret] = made.secrets
    assert secret.secret is not None
    assert secret.secret not in repr(made)
    one = made.endpoint.id
    told = await acme.endpoints.test(one, "order.placed")
    whole = await acme.deliveries.get(told.id)
    assert (whole.delivery.state, whole.attempts) == ("failed", [])
    assert [each.id for each in await everything(acme.deliveries.all(endpoint=one, state="failed", type_="order.placed"))] == [told.id]
    with pytest.raises(Conflict):
        await acme.deliveries.replay(told.id)
    changed = await acme.endpoints.change(one, state="enabled", description="", version=made.endpoint.version)
    assert (changed.state, changed.description) == ("enabled", "")
    with pytest.raises(Conflict) as stale:
        await acme.endpoints.change(one, payload="thin", version=0)
    assert stale.value.current_version == changed.version
    assert (await acme.deliveries.replay(told.id)).state == "pending"
    since = datetime.now(UTC) - timedelta(hours=1)  # noqa: TID251  # as a vendor would
    replay = await acme.endpoints.replay(one, since)
    assert (await acme.endpoints.replayed(one, replay.id)).since == since
    assert len((await acme.endpoints.rotate(one)).secrets) == 1
    assert [each.id for each in await everything(acme.endpoints.all())] == [one]
    assert (await acme.endpoints.remove(one)).state == "removed"


async def test_a_write_that_nobody_heard_is_done_once(acme: AsyncClient) -> None:
    made = await acme.endpoints.register("https://vendor.example.com/hooks", key="one-endpoint")
    again = await acme.endpoints.register("https://vendor.example.com/hooks", key="one-endpoint")
    assert (again.endpoint, again.secrets[0].secret) == (made.endpoint, None)
    with pytest.raises(Conflict) as reused:
        await acme.endpoints.register("https://vendor.example.com/others", key="one-endpoint")
    assert (reused.value.code, reused.value.retryable) == ("idempotency_key_reused", False)
