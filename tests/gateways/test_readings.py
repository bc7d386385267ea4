"""Reading the past at Stripe: movements and events over many pages, and every read under every fault."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from hub.gateways.stripe.gateway import StripeGateway
from hub.gateways.stripe.wire import InProcess
from hub.payments.ports import InDoubt, NotSent
from tests.gateways.conftest import AMOUNT, ORDER, SHORT, World
from tests.gateways.contract import DAY, FAR

Read = Callable[[StripeGateway], Awaitable[Any]]

READS = [
    "look_payment", "look_refund", "look_account", "look_payout", "look_dispute", "find_refund", "find_transfer", "find_reversal",
    "find_payout", "funds", "movements", "events", "events of accounts",
]  # fmt: skip
MODES = ["hang_before", "drop_before", "drop_after", "500_before", "garbage", "429"]


async def lived(world: World) -> dict[str, tuple[str, Read]]:
    """Something of everything, and how each of it is read: the call that a fault may strike, and the reading."""
    account, taken = await world.account(), await world.captured()
    gateway, charge = world.gateway, taken.charge
    refund = await gateway.refund("r", charge=charge, amount=100, currency="EUR", order_id=ORDER)
    moved = await gateway.transfer("t", charge=charge, account=account, amount=3_000, currency="EUR", order_id=ORDER)
    await gateway.reverse("x", transfer=moved, amount=10, order_id=ORDER)
    await world.turn("advance", {"seconds": 3 * DAY})
    sent = await gateway.pay_out("p", account=account, amount=500, currency="EUR")
    dispute = await world.turn(f"charges/{charge}/dispute", {"amount": 50})
    return {
        "look_payment": ("GET /v1/payment_intents/*", lambda g: g.look_payment(taken.reference)),
        "look_refund": ("GET /v1/refunds/*", lambda g: g.look_refund(refund.reference)),
        "look_account": ("GET /v1/accounts/*", lambda g: g.look_account(account)),
        "look_payout": ("GET /v1/payouts/*", lambda g: g.look_payout(sent.reference, account=account)),
        "look_dispute": ("GET /v1/disputes/*", lambda g: g.look_dispute(dispute["id"])),
        "find_refund": ("GET /v1/refunds", lambda g: g.find_refund("r", charge=charge)),
        "find_transfer": ("GET /v1/transfers", lambda g: g.find_transfer("t", order_id=ORDER)),
        "find_reversal": ("GET /v1/transfers/*/reversals", lambda g: g.find_reversal("x", transfer=moved)),
        "find_payout": ("GET /v1/payouts", lambda g: g.find_payout("p", account=account)),
        "funds": ("GET /v1/balance", lambda g: g.funds(account)),
        "movements": ("GET /v1/balance_transactions", lambda g: g.movements(since=0, until=FAR)),
        "events": ("GET /v1/events", lambda g: g.events(since=0)),
        "events of accounts": ("GET /v1/events", lambda g: g.events(since=0, accounts=True)),
    }


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", READS)
async def test_a_read_that_fails_says_so_and_works_when_asked_again(local: World, name: str, mode: str) -> None:
    match, read = (await lived(local))[name]
    await local.turn("faults", {"match": match, "mode": mode})
    gateway = local.connect(SHORT) if mode == "hang_before" else local.gateway
    with pytest.raises((InDoubt, NotSent)) as failed:
        await read(gateway)
    if mode == "429":
        assert failed.type is (InDoubt if name.startswith("find_") else NotSent)
    else:
        assert failed.type is InDoubt
    assert await read(local.gateway)


class TestMovements:
    async def test_all_of_them_over_many_pages_add_up(self, local: World) -> None:
        taken = await local.captured()
        for number in range(230):
            await local.gateway.refund(f"r{number}", charge=taken.charge, amount=1, currency="EUR", order_id=ORDER)
        moved = await local.gateway.movements(since=0, until=FAR)
        assert len(moved) == 231
        assert sum(one.net for one in moved) == AMOUNT - taken.fee - 230
        assert moved[0].kind == "charge"
        assert moved[0].source == taken.charge

    async def test_of_a_vendors_account(self, world: World) -> None:
        account, taken = await world.account(), await world.captured()
        await world.gateway.transfer("t", charge=taken.charge, account=account, amount=700, currency="EUR", order_id=ORDER)
        assert [(one.kind, one.net) for one in await world.gateway.movements(since=0, until=FAR, account=account)] == [("payment", 700)]

    async def test_from_a_second_on_and_before_another(self, world: World) -> None:
        taken = await world.captured()
        await world.turn("advance", {"seconds": 100})
        await world.gateway.refund("r", charge=taken.charge, amount=1, currency="EUR", order_id=ORDER)
        first, second = await world.gateway.movements(since=0, until=FAR)
        start, end = int(first.at.timestamp()), int(second.at.timestamp())
        assert start < end
        assert await world.gateway.movements(since=start, until=end) == [first]
        assert await world.gateway.movements(since=end, until=end + 1) == [second]
        assert await world.gateway.movements(since=end + 1, until=FAR) == []


class TestEvents:
    async def test_what_happened_to_us_oldest_first(self, world: World) -> None:
        taken = await world.captured()
        events = await world.gateway.events(since=0)
        kinds = [event.kind for event in events]
        assert kinds.index("payment_intent.created") < kinds.index("payment_intent.succeeded")
        assert {(event.kind, event.subject, event.account) for event in events} >= {
            ("payment_intent.succeeded", taken.reference, None),
            ("charge.captured", taken.charge, None),
        }
        assert [event.at for event in events] == sorted(event.at for event in events)
        assert await world.gateway.events(since=FAR) == []

    async def test_what_happened_on_vendors_accounts(self, world: World) -> None:
        account = await world.account()
        other = await world.gateway.open_account("other", vendor="other", name="Other", country="DE")
        await world.turn(f"accounts/{other}/onboard")
        events = await world.gateway.events(since=0, accounts=True)
        assert {event.account for event in events if event.kind == "account.updated"} == {account, other}

    async def test_an_account_that_left_meanwhile_is_passed_over(self, local: World) -> None:
        account = await local.account()
        store = local.watched.sandbox.store
        gone = await local.gateway.open_account("gone", vendor="gone", name="Gone", country="DE")
        await local.turn(f"accounts/{gone}/onboard")
        await local.turn("faults", {"match": "GET /v1/events", "mode": "drop_before"})
        with pytest.raises(InDoubt):  # a doubt is not passed over
            await local.gateway.events(since=0, accounts=True)

        class Leaving:
            """The account is listed, and gone when its events are asked for."""

            async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
                if scope["path"] == "/v1/events":
                    store.remove(gone)
                await local.watched(scope, receive, send)

        gateway = local.connect(wire=InProcess(Leaving(), 10.0))
        assert {event.account for event in await gateway.events(since=0, accounts=True)} == {account}
