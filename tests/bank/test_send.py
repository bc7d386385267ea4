"""Money that leaves: what was not used goes back, refunds and shares are ordered once, and what fails is booked back."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from hub.gateways.bank import receive, send
from hub.gateways.bank.model import Assignment, BankOrder, Kind, SendTo
from hub.gateways.bank.states import BankOrderState
from hub.kernel.errors import Conflict, Invalid
from hub.ledger import recipes
from hub.ledger import store as ledger
from hub.payments import store as payments
from hub.payments.facts import PaymentPhase, RefundFacts, Settling
from hub.payments.ports import GatewayRefused, InDoubt
from hub.runtime.database import Tx
from hub.vendors.money_terms import BankAccount
from tests.bank.hands import ACME, ADA, BOB, OLGA, Bank, total
from tests.gateways.contract import FAR

ELSEWHERE = BankAccount(holder="Bob", iban=BOB)


async def book_capture(bank: Bank, order_id: str, amount: int) -> None:
    """What the hub books when it has captured, here to stay on the order's account."""
    async with bank.database.tx() as tx:
        payment = await payments.of_order(tx, order_id)
        moves = recipes.capture_received(payment.id, order_id, amount, "EUR")
        await ledger.post(tx, "capture", order_id=order_id, cause=order_id, moves=moves)


Mark = Callable[[Tx, str, str], Awaitable[BankOrder]]


async def marked(bank: Bank, order: BankOrder, how: Mark) -> BankOrder:
    async with bank.database.tx(OLGA) as tx:
        return await how(tx, order.id, "because")


class TestWhatIsNotUsed:
    async def test_more_than_was_asked_for_goes_back_with_the_capture(self, bank: Bank) -> None:
        reference = await bank.expected("ord_a", 100)
        await bank.file(bank.line(90, reference), bank.line(30, reference, payer_name="Bob", payer_iban=BOB))
        assert (await bank.gateway.capture("c", reference, 80)).amount == 80
        await book_capture(bank, "ord_a", 80)
        orders = await bank.orders()
        assert [(order.kind, order.amount, order.iban) for order in orders] == [
            (Kind.GIVE_BACK, 30, BOB),
            (Kind.GIVE_BACK, 10, ADA),
        ]
        assert await bank.balances() == {"clearing:bank": -120, "order:ord_a": 80, "receipts:ord_a": 40}
        assert (await bank.sent(*orders)).executed == 2
        assert await bank.balances() == {"clearing:bank": -80, "order:ord_a": 80}

    async def test_what_came_for_a_closed_payment_goes_back_whole(self, bank: Bank) -> None:
        reference = await bank.expected("ord_a", 100)
        await bank.file(bank.line(60, reference))
        await bank.gateway.void("v", reference)
        report = await bank.file(bank.line(40, reference))
        assert report.matched == 1
        assert (await bank.gateway.look_payment(reference)).phase is PaymentPhase.CLOSED
        assert [order.amount for order in await bank.orders()] == [60, 40]
        await bank.settle()
        assert (await bank.balances(), total(await bank.lines())) == ({}, 0)

    async def test_what_comes_after_the_capture_goes_back_whole(self, bank: Bank) -> None:
        reference = await bank.expected("ord_a", 100)
        await bank.file(bank.line(100, reference), bank.line(100, "?"))
        await bank.gateway.capture("c", reference, 100)
        [line] = await bank.lines(unmatched=True)
        async with bank.database.tx(OLGA) as tx:
            await receive.assign(tx, line.id, Assignment(reference=reference, note="paid twice"))
        assert [(order.kind, order.amount) for order in await bank.orders()] == [(Kind.GIVE_BACK, 100)]

    async def test_capture_void_and_a_receipt_at_the_same_time(self, bank: Bank) -> None:
        reference = await bank.expected("ord_a", 100)
        await bank.buyer_pays(reference, 100)
        done = await asyncio.gather(
            bank.gateway.capture("c", reference, 100),
            bank.gateway.void("v", reference),
            bank.buyer_pays(reference, 5),
            bank.gateway.capture("c", reference, 100),
            return_exceptions=True,
        )
        back = sum(order.amount for order in await bank.orders())
        captured = (await bank.payment(reference)).captured
        assert captured + back == 105
        assert captured in {0, 100}
        assert {type(each) for each in done if isinstance(each, Exception)} <= {GatewayRefused}

    async def test_without_an_iban_it_waits_for_an_operator(self, bank: Bank) -> None:
        reference = await bank.expected("ord_a", 100)
        await bank.file(bank.line(100, reference, payer_iban=None))
        await bank.gateway.void("v", reference)
        [order] = await bank.orders()
        assert (order.iban, await bank.export()) == (None, None)
        wrong = BankAccount(holder="Bob", iban="NL90ABNA0417164300")
        for account in (None, wrong):
            with pytest.raises(Invalid):
                async with bank.database.tx(OLGA) as tx:
                    await send.set_account(tx, order.id, SendTo(reason="she said", account=account))
        async with bank.database.tx(OLGA) as tx:
            assert (await send.set_account(tx, order.id, SendTo(reason="she said", account=ELSEWHERE))).iban == BOB
        assert await bank.export() is not None
        with pytest.raises(Conflict, match="exported"):
            async with bank.database.tx(OLGA) as tx:
                await send.set_account(tx, order.id, SendTo(reason="no, that", account=ELSEWHERE))


async def refunded(bank: Bank) -> tuple[RefundFacts, BankOrder]:
    reference = await bank.expected("ord_a", 100)
    await bank.file(bank.line(100, reference))
    await bank.gateway.capture("c", reference, 100)
    facts = await bank.gateway.refund("r", charge=reference, amount=40, currency="EUR", order_id="ord_a")
    [order] = await bank.orders()
    return facts, order


class TestOrders:
    async def test_an_export_takes_each_order_once(self, bank: Bank) -> None:
        _, order = await refunded(bank)
        exports = await asyncio.gather(*(bank.export() for _ in range(3)))
        assert len([each for each in exports if each]) == 1
        [exported] = await bank.orders("exported")
        assert (exported.id, exported.iban, exported.export_id in exports) == (order.id, ADA, True)

    async def test_a_refund_is_pending_then_done_then_may_fail(self, bank: Bank) -> None:
        facts, order = await refunded(bank)
        assert facts.state is Settling.PENDING
        await bank.sent(order)
        assert (await bank.gateway.look_refund(facts.reference)).state is Settling.DONE
        report = await bank.file(bank.line(40, "return", end_to_end=order.end_to_end.lower()))
        assert report.came_back == 1
        failed = await bank.gateway.look_refund(facts.reference)
        assert (failed.state, failed.reason) == (Settling.FAILED, "came_back")
        again = await bank.gateway.refund(
            "r2", charge=(order.end_to_end and facts.charge) or "", amount=100, currency="EUR", order_id="ord_a"
        )
        assert again.state is Settling.PENDING, "what failed is no longer refunded"

    async def test_a_refund_for_several_payers_waits_for_an_operator(self, bank: Bank) -> None:
        reference = await bank.expected("ord_a", 100)
        await bank.file(bank.line(50, reference), bank.line(50, reference, payer_iban=BOB))
        await bank.gateway.capture("c", reference, 100)
        await bank.gateway.refund("r", charge=reference, amount=40, currency="EUR", order_id="ord_a")
        assert [order.iban for order in await bank.orders()] == [None]

    async def test_a_debit_of_another_amount_executes_nothing(self, bank: Bank) -> None:
        _, order = await refunded(bank)
        report = await bank.file(bank.line(-39, end_to_end=order.end_to_end), bank.line(-40, end_to_end="unknown"))
        assert (report.executed, report.unexplained) == (0, 2)
        assert [each.state for each in await bank.orders()] == [BankOrderState.OPEN]

    async def test_an_operator_says_it_first_and_the_file_says_it_again(self, bank: Bank) -> None:
        reference = await bank.expected("ord_a", 100)
        await bank.file(bank.line(130, reference))
        await bank.gateway.capture("c", reference, 100)
        await book_capture(bank, "ord_a", 100)
        [order] = await bank.orders()
        assert (await marked(bank, order, send.mark_executed)).state is BankOrderState.EXECUTED
        with pytest.raises(Conflict):
            await marked(bank, order, send.mark_executed)
        before = await bank.balances()
        assert before == {"clearing:bank": -100, "order:ord_a": 100}
        debit = bank.line(-30, end_to_end=order.end_to_end)
        assert (await bank.file(debit)).executed == 1
        assert (await bank.file(debit)).known == 1
        assert await bank.balances() == before
        assert (await bank.file(bank.line(-30, end_to_end=order.end_to_end))).unexplained == 1, "the bank sent it twice"

    async def test_what_came_back_is_given_back_again_elsewhere(self, bank: Bank) -> None:
        reference = await bank.expected("ord_a", 100)
        await bank.file(bank.line(100, reference), bank.line(7, "?"))
        await bank.gateway.void("v", reference)
        [line] = await bank.lines(unmatched=True)
        async with bank.database.tx(OLGA) as tx:
            await receive.send_back(tx, line.id, SendTo(reason="unknown"))
        given, sent = await bank.orders()
        await bank.sent(given, sent)
        assert await bank.balances() == {}
        await bank.file(*(bank.line(order.amount, end_to_end=order.end_to_end) for order in (given, sent)))
        assert await bank.balances() == {"clearing:bank": -107, "receipts:ord_a": 100, "suspense": 7}
        for order in (given, sent):
            async with bank.database.tx(OLGA) as tx:
                again = await send.retry(tx, order.id, SendTo(reason="closed account", account=ELSEWHERE))
                assert await send.retry(tx, order.id, SendTo(reason="twice")) == again
                assert (again.iban, again.amount) == (BOB, order.amount)
        await bank.settle()
        assert await bank.balances() == {}
        assert total(await bank.lines()) == 0

    async def test_what_failed_before_it_was_sent_is_retried(self, bank: Bank) -> None:
        reference = await bank.expected("ord_a", 100)
        await bank.file(bank.line(100, reference))
        await bank.gateway.void("v", reference)
        [order] = await bank.orders()
        with pytest.raises(Conflict):
            async with bank.database.tx(OLGA) as tx:
                await send.retry(tx, order.id, SendTo(reason="too early"))
        await marked(bank, order, send.mark_failed)
        with pytest.raises(Conflict):
            await marked(bank, order, send.mark_failed)
        assert await bank.balances() == {"clearing:bank": -100, "receipts:ord_a": 100}
        async with bank.database.tx(OLGA) as tx:
            await send.retry(tx, order.id, SendTo(reason="again"))
        await bank.settle()
        assert await bank.balances() == {}

    async def test_refunds_are_the_hubs_to_repeat(self, bank: Bank) -> None:
        _, order = await refunded(bank)
        await marked(bank, order, send.mark_failed)
        with pytest.raises(Conflict, match="refund"):
            async with bank.database.tx(OLGA) as tx:
                await send.retry(tx, order.id, SendTo(reason="again"))


class TestShares:
    async def test_a_share_goes_to_the_vendors_bank(self, bank: Bank) -> None:
        account = await bank.vendor()
        moved = await bank.gateway.transfer("t", charge=None, account=account, amount=70, currency="EUR", order_id="ord_a")
        [order] = await bank.orders()
        assert (order.id, order.kind, order.iban, order.vendor, order.holder) == (moved, Kind.TRANSFER, ACME.iban, "acme", "Acme")
        with pytest.raises(GatewayRefused, match="something else"):
            await bank.gateway.transfer("t", charge=None, account=account, amount=71, currency="EUR", order_id="ord_a")

    @pytest.mark.parametrize("sent", [False, True])
    async def test_a_share_that_does_not_arrive_is_the_vendors_credit(self, bank: Bank, sent: bool) -> None:
        account = await bank.vendor()
        await bank.gateway.transfer("t", charge=None, account=account, amount=70, currency="EUR", order_id="ord_a")
        [order] = await bank.orders()
        if sent:
            await bank.sent(order)
        await marked(bank, order, send.mark_failed)
        assert (await bank.balances())["vendor:acme"] == 70
        with pytest.raises(Conflict):
            await marked(bank, order, send.mark_failed)

    @pytest.mark.parametrize("by_hand", [(), (send.mark_executed,), (send.mark_executed, send.mark_failed)])
    async def test_there_and_back_is_booked_once_whoever_says_it_first(self, bank: Bank, by_hand: tuple[Mark, ...]) -> None:
        account = await bank.vendor()
        moved = await bank.gateway.transfer("t", charge=None, account=account, amount=70, currency="EUR", order_id="ord_a")
        async with bank.database.tx() as tx:  # as the hub books a transfer
            moves = recipes.transfer("bank", recipes.vendor_account("acme"), 70, "EUR")
            await ledger.post(tx, "transfer", vendor="acme", cause=moved, moves=moves)
        [order] = await bank.orders()
        for how in by_hand:
            order = await marked(bank, order, how)
        lines = [bank.line(amount, end_to_end=order.end_to_end) for amount in (70, -70)]
        report = await bank.file(*lines)
        assert (report.executed, report.came_back, await bank.balances()) == (1, 1, {})
        report = await bank.file(*(bank.line(amount, end_to_end=order.end_to_end) for amount in (70, -70)))
        assert (report.unexplained, report.unmatched) == (1, 1), "the bank did it once more"

    async def test_an_unknown_vendor_gets_nothing(self, bank: Bank) -> None:
        with pytest.raises(GatewayRefused) as no:
            await bank.gateway.transfer("t", charge=None, account="nobody", amount=1, currency="EUR", order_id="ord_a")
        assert (no.value.code, await bank.orders()) == ("no_bank_account", [])


class TestTheAccount:
    async def test_it_is_what_its_lines_say(self, bank: Bank) -> None:
        _, order = await refunded(bank)
        await bank.file(bank.line(9, "?", currency="USD"))
        funds = await bank.gateway.funds()
        assert {name: (each.available, each.pending) for name, each in funds.items()} == {"EUR": (100, -40), "USD": (9, 0)}
        await bank.sent(order)
        movements = await bank.gateway.movements(since=0, until=FAR)
        assert [(each.kind, each.net, each.source) for each in movements] == [
            ("receipt", 100, None),
            ("receipt", 9, None),
            ("order", -40, order.id),
        ]

    async def test_a_database_that_is_away_is_a_doubt(self, bank: Bank) -> None:
        reference = await bank.expected("ord_a", 100)
        away = Bank(bank.url.rsplit("/", 1)[0] + "/nowhere")
        with pytest.raises(InDoubt):
            await away.gateway.look_payment(reference)
        await away.database.close()
