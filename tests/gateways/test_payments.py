"""Payments at Stripe: what is sent, declines, authentication, methods kept for later, and what is adopted."""

import logging
from typing import Any

import pytest

from hub.gateways.stripe.quiet import hush
from hub.payments.facts import PaymentPhase
from hub.payments.ports import InDoubt, NotSent
from tests.gateways.conftest import AMOUNT, ORDER, World
from tests.gateways.contract import DAY, refused

CHALLENGED = "pm_card_authenticationRequired"


class TestWhatIsSent:
    async def test_an_intent_that_we_capture_ourselves(self, world: World) -> None:
        reference = await world.opened()
        [intent] = world.kept("payment_intent")
        assert (intent["id"], intent["status"], intent["currency"]) == (reference, "requires_confirmation", "eur")
        assert (intent["capture_method"], intent["transfer_group"]) == ("manual", ORDER)
        assert intent["metadata"] == {"order_id": ORDER, "step": "open"}
        held = await world.gateway.authorize("authorize", reference)
        assert held.capture_before == world.kept("charge")[0]["created"] + 7 * DAY
        taken = await world.gateway.capture("capture", reference, 7_500)
        assert taken.fee == 243
        facts = await world.gateway.look_payment(reference)
        assert (facts.received, facts.charge, facts.capture_before) == (7_500, taken.charge, None)

    async def test_other_parameters_under_a_key_are_refused(self, world: World) -> None:
        await world.opened()
        again = world.gateway.open_payment("open", order_id=ORDER, amount=1_234, currency="EUR", payment_method="pm_card_visa")
        assert await refused(again) == "idempotency_error"
        assert len(world.kept("payment_intent")) == 1

    async def test_what_is_found_does_not_excuse_other_parameters(self, local: World) -> None:
        taken = await local.captured()
        refund: dict[str, Any] = {"charge": taken.charge, "currency": "EUR", "order_id": ORDER}
        await local.gateway.refund("r", amount=100, **refund)
        assert await refused(local.gateway.refund("r", amount=101, **refund)) == "idempotency_error"


class TestDeclines:
    @pytest.mark.parametrize(
        ("method", "code"),
        [
            ("pm_card_chargeDeclined", "card_declined"),
            ("pm_card_chargeDeclinedInsufficientFunds", "card_declined"),
            ("pm_card_chargeDeclinedExpiredCard", "expired_card"),
        ],
    )
    async def test_a_declined_payment_can_only_be_closed(self, world: World, method: str, code: str) -> None:
        reference = await world.opened(payment_method=method)
        assert await refused(world.gateway.authorize("a", reference)) == code
        assert await refused(world.gateway.authorize("a", reference)) == code
        assert await refused(world.gateway.authorize("another", reference)) == code
        facts = await world.gateway.look_payment(reference)
        assert (facts.phase, facts.reason, facts.received) == (PaymentPhase.DECLINED, code, 0)
        await world.gateway.void("v", reference)
        assert await refused(world.gateway.authorize("a2", reference)) == "payment_intent_unexpected_state"
        assert world.kept("payment_intent")[0]["status"] == "canceled"
        assert (await world.gateway.look_payment(reference)).reason == "canceled"

    async def test_a_decline_behind_a_saved_500_is_a_decline(self, local: World) -> None:
        reference = await local.opened(payment_method="pm_card_chargeDeclinedExpiredCard")
        await local.turn("faults", {"match": "POST /v1/payment_intents/*/confirm", "mode": "500_saved"})
        with pytest.raises(InDoubt):
            await local.gateway.authorize("a", reference)
        assert await refused(local.gateway.authorize("a", reference)) in {"expired_card", "card_declined"}
        assert len(local.kept("charge")) <= 1

    async def test_an_unknown_payment_method_opens_nothing(self, world: World) -> None:
        assert await refused(world.opened(payment_method="pm_nobody")) == "resource_missing"
        assert not world.kept("payment_intent")

    async def test_an_expired_hold_is_gone_and_needs_no_void(self, world: World) -> None:
        held = await world.held()
        await world.turn("advance", {"seconds": 7 * DAY})
        assert await refused(world.gateway.capture("c", held.reference, AMOUNT)) == "payment_intent_unexpected_state"
        await world.gateway.void("v", held.reference)


class TestAuthentication:
    async def test_the_buyer_is_asked_and_the_money_is_held(self, world: World) -> None:
        reference = await world.opened(payment_method=CHALLENGED)
        facts = await world.gateway.authorize("a", reference)
        [intent] = world.kept("payment_intent")
        assert facts.phase is PaymentPhase.WAITING
        assert facts.action is not None
        assert facts.action == {"type": "stripe", "client_secret": intent["client_secret"], "next_action": intent["next_action"]}
        assert await world.gateway.look_payment(reference) == facts

        await world.turn(f"payment_intents/{reference}/authenticate")
        held = await world.gateway.look_payment(reference)
        assert (held.phase, held.action, held.received) == (PaymentPhase.HELD, None, AMOUNT)
        assert held.capture_before is not None
        assert await world.gateway.authorize("a", reference) == held, "Stripe's first answer under the key is old by now"
        assert (await world.gateway.capture("c", reference, AMOUNT)).amount == AMOUNT

    async def test_a_failed_challenge_is_a_decline(self, world: World) -> None:
        reference = await world.opened(payment_method=CHALLENGED)
        await world.gateway.authorize("a", reference)
        await world.turn(f"payment_intents/{reference}/fail")
        facts = await world.gateway.look_payment(reference)
        assert (facts.phase, facts.reason) == (PaymentPhase.DECLINED, "payment_intent_authentication_failure")
        assert await refused(world.gateway.authorize("a", reference)) == "payment_intent_authentication_failure"
        await world.gateway.void("v", reference)

    async def test_a_waiting_payment_can_be_closed(self, world: World) -> None:
        reference = await world.opened(payment_method=CHALLENGED)
        await world.gateway.authorize("a", reference)
        await world.gateway.void("v", reference)
        assert (await world.gateway.look_payment(reference)).phase is PaymentPhase.CLOSED

    async def test_a_bank_that_takes_its_time(self, local: World) -> None:
        """Neither captured nor closed, and neither for ever: asked again later."""
        held = await local.held()
        store = local.watched.sandbox.store
        [intent] = local.kept("payment_intent")
        store.put(intent | {"status": "processing"})
        assert (await local.gateway.look_payment(held.reference)).phase is PaymentPhase.WAITING
        for call in (local.gateway.capture("c1", held.reference, 1), local.gateway.void("v1", held.reference)):
            with pytest.raises(NotSent) as no:
                await call
            assert no.value.retry_after == 30.0
        store.put(intent)
        assert (await local.gateway.look_payment(held.reference)).phase is PaymentPhase.HELD

    async def test_the_secret_is_for_the_buyer_alone(
        self, local: World, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Not even with everybody's logging wide open, by code or by Stripe's own variable."""
        monkeypatch.setenv("STRIPE_LOG", "debug")
        monkeypatch.setattr("stripe._util.STRIPE_LOG", "debug")
        monkeypatch.setattr("stripe.log", None)
        hush()
        with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, logger="stripe"):
            reference = await local.opened(payment_method=CHALLENGED)
            facts = await local.gateway.authorize("a", reference)
            await refused(local.gateway.capture("c", reference, 1))
        assert facts.action is not None
        secret = facts.action["client_secret"]
        assert secret.startswith(f"{reference}_secret_")
        printed = capsys.readouterr()
        assert "confirm" in caplog.text, "nothing was logged, so nothing is proved"
        for text in (caplog.text, printed.out, printed.err, repr(facts), str(facts), f"{facts}"):
            assert "_secret_" not in text
        assert reference in repr(facts)


class TestKeptForLater:
    async def customer_with_card(self, world: World, method: str) -> tuple[str, str]:
        customer = await world.gateway.open_customer("cus", customer_id="ours")
        paid = await world.gateway.open_payment(
            "first", order_id=ORDER, amount=AMOUNT, currency="EUR", payment_method=method, customer=customer, save=True
        )
        assert world.kept("payment_intent")[0]["setup_future_usage"] == "off_session"
        facts = await world.gateway.authorize("first.confirm", paid.reference)
        if facts.phase is PaymentPhase.WAITING:
            await world.turn(f"payment_intents/{paid.reference}/authenticate")
        [card] = world.kept("payment_method", customer=customer)
        return customer, card["id"]

    async def test_a_customer_is_known_by_our_id_alone(self, world: World) -> None:
        customer = await world.gateway.open_customer("cus", customer_id="ours")
        assert await world.gateway.open_customer("cus", customer_id="ours") == customer
        [kept] = world.kept("customer")
        assert kept["metadata"] == {"customer_id": "ours", "step": "cus"}
        assert (kept["email"], kept["name"]) == (None, None)

    async def test_money_is_held_while_the_buyer_is_away(self, world: World) -> None:
        customer, card = await self.customer_with_card(world, "pm_card_authenticationRequiredOnSetup")
        later: dict[str, Any] = {"order_id": "ord_2", "amount": 500, "currency": "EUR", "customer": customer, "payment_method": card}
        held = await world.gateway.charge_off_session("later", **later)
        assert (held.phase, held.received) == (PaymentPhase.HELD, 500)
        assert await world.gateway.charge_off_session("later", **later) == held
        assert len(world.kept("payment_intent")) == 2
        assert (await world.gateway.capture("c", held.reference, 500)).amount == 500

    async def test_a_bank_that_wants_the_buyer_declines(self, world: World) -> None:
        customer, card = await self.customer_with_card(world, CHALLENGED)
        later: dict[str, Any] = {"order_id": "ord_2", "amount": 500, "currency": "EUR", "customer": customer, "payment_method": card}
        assert await refused(world.gateway.charge_off_session("later", **later)) == "authentication_required"
        assert await refused(world.gateway.charge_off_session("later", **later)) == "authentication_required"
        assert len(world.kept("payment_intent")) == 2


class TestDoubts:
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
        assert (await world.gateway.authorize("other", held.reference)).phase is PaymentPhase.HELD

    async def test_a_fee_not_yet_booked_is_asked_for_again(self, world: World) -> None:
        taken = await world.captured()
        [charge] = world.kept("charge")
        store, later = world.watched.sandbox.store, {"balance_transaction": None}
        store.put(charge | later)
        with pytest.raises(InDoubt, match="fee"):
            await world.gateway.capture("other", taken.reference, AMOUNT)
        store.put(charge)
        assert (await world.gateway.capture("other", taken.reference, AMOUNT)).fee == taken.fee

    async def test_money_changed_into_another_currency_is_not_booked_as_it_were(self, local: World) -> None:
        taken = await local.captured()
        [booked] = local.kept("balance_transaction", type="charge")
        local.watched.sandbox.store.put(booked | {"currency": "usd"})
        with pytest.raises(InDoubt, match="changed it into usd"):
            await local.gateway.capture("other", taken.reference, AMOUNT)
