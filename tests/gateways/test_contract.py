"""What `PaymentGateway` promises, held to by Stripe's gateway on the sandbox, in process and over a socket."""

from typing import Any

import pytest

from hub.payments.ports import GatewayRefused, InDoubt, NotSent
from tests.gateways.conftest import AMOUNT, ORDER, World

DAY = 86_400


async def refused(call: object) -> str:
    """The code with which a call is refused."""
    with pytest.raises(GatewayRefused) as no:
        await call  # pyright: ignore[reportGeneralTypeIssues]  # any of the port's coroutines
    assert no.value.message
    return no.value.code


class TestTheWay:
    async def test_from_opening_to_the_vendors_share(self, world: World) -> None:
        gateway, account = world.gateway, await world.account()
        reference = await world.opened()
        [intent] = world.kept("payment_intent")
        assert (intent["id"], intent["status"], intent["currency"]) == (reference, "requires_confirmation", "eur")
        assert intent["metadata"] == {"order_id": ORDER, "step": "open"}

        held = await gateway.authorize("authorize", reference)
        assert held.reference == reference
        assert held.capture_before == world.kept("charge")[0]["created"] + 7 * DAY

        taken = await gateway.capture("capture", reference, 7_500)
        assert (taken.reference, taken.amount, taken.fee) == (reference, 7_500, 243)

        transfer = await gateway.transfer("share", charge=taken.charge, account=account, amount=6_000, currency="EUR", order_id=ORDER)
        [moved] = world.kept("transfer")
        assert (moved["id"], moved["source_transaction"], moved["transfer_group"], moved["amount"]) == (
            transfer,
            taken.charge,
            ORDER,
            6_000,
        )

        refund = await gateway.refund("refund", charge=taken.charge, amount=500, order_id=ORDER)
        assert [(one["id"], one["amount"]) for one in world.kept("refund")] == [(refund, 500)]
        assert sum(entry["net"] for entry in world.kept("balance_transaction")) == 7_500 - 243 - 6_000 - 500

    async def test_the_same_key_gives_the_same_answer_and_acts_once(self, world: World) -> None:
        gateway, account = world.gateway, await world.account()
        reference = await world.opened()
        assert await world.opened() == reference
        assert await gateway.authorize("a", reference) == await gateway.authorize("a", reference)
        taken = await gateway.capture("c", reference, 9_000)
        assert await gateway.capture("c", reference, 9_000) == taken
        transfers = [
            await gateway.transfer("t", charge=taken.charge, account=account, amount=1, currency="EUR", order_id=ORDER) for _ in range(2)
        ]
        refunds = [await gateway.refund("r", charge=taken.charge, amount=1, order_id=ORDER) for _ in range(2)]
        assert await world.account() == account
        assert [len(world.kept(kind)) for kind in ("payment_intent", "charge", "transfer", "refund", "account")] == [1] * 5
        assert len({*transfers}) == len({*refunds}) == 1

    async def test_other_parameters_under_a_key_are_refused(self, world: World) -> None:
        await world.opened()
        again = world.gateway.open_payment("open", order_id=ORDER, amount=1_234, currency="EUR", payment_method="pm_card_visa")
        assert await refused(again) == "idempotency_error"
        assert len(world.kept("payment_intent")) == 1


class TestRefusals:
    @pytest.mark.parametrize(
        ("method", "code"),
        [
            ("pm_card_chargeDeclined", "card_declined"),
            ("pm_card_chargeDeclinedInsufficientFunds", "card_declined"),
            ("pm_card_chargeDeclinedExpiredCard", "expired_card"),
            ("pm_card_authenticationRequired", "authentication_required"),
        ],
    )
    async def test_a_declined_payment_can_only_be_closed(self, world: World, method: str, code: str) -> None:
        reference = await world.opened(payment_method=method)
        assert await refused(world.gateway.authorize("a", reference)) == code
        assert await refused(world.gateway.authorize("a", reference)) == code
        await world.gateway.void("v", reference)
        assert await refused(world.gateway.authorize("a2", reference)) == "payment_intent_unexpected_state"
        assert world.kept("payment_intent")[0]["status"] == "canceled"

    async def test_an_unknown_payment_method_opens_nothing(self, world: World) -> None:
        assert await refused(world.opened(payment_method="pm_nobody")) == "resource_missing"
        assert not world.kept("payment_intent")

    async def test_an_unknown_payment_is_refused_everywhere(self, world: World) -> None:
        for call in (world.gateway.authorize("a", "pi_x"), world.gateway.capture("c", "pi_x", 1), world.gateway.void("v", "pi_x")):
            assert await refused(call) == "resource_missing"

    async def test_more_than_was_held_or_captured_is_refused(self, world: World) -> None:
        account, held = await world.account(), await world.held()
        assert await refused(world.gateway.capture("c1", held.reference, AMOUNT + 1)) == "amount_too_large"
        taken = await world.gateway.capture("c2", held.reference, 8_000)
        share = world.gateway.transfer("t1", charge=taken.charge, account=account, amount=8_001, currency="EUR", order_id=ORDER)
        assert await refused(share) == "invalid_request_error"
        assert await refused(world.gateway.refund("r1", charge=taken.charge, amount=8_001, order_id=ORDER)) == "invalid_request_error"
        assert not world.kept("transfer")
        assert not world.kept("refund")

    async def test_a_vendor_that_is_not_onboarded_gets_nothing(self, world: World) -> None:
        account = await world.gateway.open_account("account", vendor="acme", name="Acme", country="DE")
        taken = await world.captured()
        share = world.gateway.transfer("t", charge=taken.charge, account=account, amount=1, currency="EUR", order_id=ORDER)
        assert await refused(share) == "insufficient_capabilities_for_transfer"


class TestAdoption:
    """ "Already done" is read from the object and taken over, also under another key."""

    async def test_authorized_before(self, world: World) -> None:
        held = await world.held()
        assert await world.gateway.authorize("other", held.reference) == held

    async def test_captured_before(self, world: World) -> None:
        taken = await world.captured(8_000)
        assert await world.gateway.capture("other", taken.reference, 8_000) == taken
        assert await refused(world.gateway.capture("third", taken.reference, 7_999)) == "already_captured"
        assert len(world.kept("balance_transaction", type="charge")) == 1

    async def test_voided_before(self, world: World) -> None:
        held = await world.held()
        await world.gateway.void("v1", held.reference)
        await world.gateway.void("v2", held.reference)
        assert await refused(world.gateway.capture("c", held.reference, AMOUNT)) == "payment_intent_unexpected_state"

    async def test_a_void_comes_too_late(self, world: World) -> None:
        taken = await world.captured()
        assert await refused(world.gateway.void("v", taken.reference)) == "already_captured"
        assert world.kept("payment_intent")[0]["status"] == "succeeded"

    async def test_an_opened_payment_closed_cannot_be_authorized_later(self, world: World) -> None:
        reference = await world.opened()
        await world.gateway.void("v", reference)
        assert await refused(world.gateway.authorize("a", reference)) == "payment_intent_unexpected_state"
        assert not world.kept("charge")

    async def test_what_was_made_under_a_forgotten_key_is_found(self, world: World) -> None:
        account, taken = await world.account(), await world.captured()
        assert await world.gateway.find_transfer("t", order_id=ORDER) is None
        assert await world.gateway.find_refund("r", charge=taken.charge) is None
        moved = await world.gateway.transfer("t", charge=taken.charge, account=account, amount=100, currency="EUR", order_id=ORDER)
        refund = await world.gateway.refund("r", charge=taken.charge, amount=100, order_id=ORDER)
        await world.turn("advance", {"seconds": DAY + 1})
        assert await world.gateway.find_transfer("t", order_id=ORDER) == moved
        assert await world.gateway.find_refund("r", charge=taken.charge) == refund
        assert await world.gateway.find_refund("other", charge=taken.charge) is None

    async def test_an_expired_hold_is_gone_and_needs_no_void(self, world: World) -> None:
        held = await world.held()
        await world.turn("advance", {"seconds": 7 * DAY})
        assert await refused(world.gateway.capture("c", held.reference, AMOUNT)) == "payment_intent_unexpected_state"
        await world.gateway.void("v", held.reference)

    async def test_refunded_before_under_a_key_that_is_forgotten(self, world: World) -> None:
        taken = await world.captured()
        refund = await world.gateway.refund("r", charge=taken.charge, amount=AMOUNT, order_id=ORDER)
        await world.turn("advance", {"seconds": DAY + 1})
        assert await world.gateway.refund("r", charge=taken.charge, amount=AMOUNT, order_id=ORDER) == refund
        assert await refused(world.gateway.refund("new", charge=taken.charge, amount=1, order_id=ORDER)) == "charge_already_refunded"

    async def test_transferred_before_under_a_key_that_is_forgotten(self, world: World) -> None:
        account, taken = await world.account(), await world.captured()
        share: Any = {"charge": taken.charge, "account": account, "amount": AMOUNT, "currency": "EUR", "order_id": ORDER}
        transfer = await world.gateway.transfer("t", **share)
        await world.turn("advance", {"seconds": DAY + 1})
        assert await world.gateway.transfer("t", **share) == transfer
        assert len(world.kept("transfer")) == 1


class TestNotSent:
    async def test_too_many_calls(self, world: World) -> None:
        await world.turn("faults", {"match": "POST /v1/payment_intents", "mode": "429"})
        with pytest.raises(NotSent) as no:
            await world.opened()
        assert no.value.retry_after == 1.0
        assert not world.kept("payment_intent")

    async def test_a_wrong_key_acts_never_and_is_worth_a_retry_later(self, world: World) -> None:
        stranger = world.connect(secret="sk_test_other")
        with pytest.raises(NotSent) as no:
            await stranger.void("v", await world.opened())
        assert no.value.retry_after == 60.0

    async def test_not_being_able_to_look_is_a_doubt(self, world: World) -> None:
        """The first answer was a refusal; whether it had been done before is unknown while the look fails."""
        held = await world.held()
        await world.turn("faults", {"match": f"GET /v1/payment_intents/{held.reference}", "mode": "429"})
        with pytest.raises(InDoubt):
            await world.gateway.authorize("other", held.reference)
        assert await world.gateway.authorize("other", held.reference) == held

    async def test_a_fee_not_yet_booked_is_asked_for_again(self, world: World) -> None:
        taken = await world.captured()
        [charge] = world.kept("charge")
        store, later = world.watched.sandbox.store, {"balance_transaction": None}
        store.put(charge | later)
        with pytest.raises(InDoubt, match="fee"):
            await world.gateway.capture("other", taken.reference, AMOUNT)
        store.put(charge)
        assert (await world.gateway.capture("other", taken.reference, AMOUNT)).fee == taken.fee
