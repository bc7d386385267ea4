"""Money that arrives: each line is booked once, to the payment it names or into suspense, all of a file or nothing."""

import asyncio
from datetime import date
from typing import Any, Self

import pytest
from sqlalchemy import Executable

from hub.gateways.bank import receive
from hub.gateways.bank.model import LINES_MAX, Assignment, FileReport, NewReceipt, SendTo
from hub.kernel.errors import Conflict, Invalid, NotFound
from hub.payments.facts import PaymentPhase
from hub.payments.ports import GatewayRefused
from hub.runtime import steps
from hub.runtime.steps import HUB_TARGET, NewStep
from hub.runtime.wire import Wire
from tests.bank.hands import ADA, BOB, OLGA, Bank


async def phase(bank: Bank, reference: str) -> tuple[PaymentPhase, int]:
    facts = await bank.gateway.look_payment(reference)
    return facts.phase, facts.received


class TestPaying:
    async def test_the_buyer_is_told_what_to_send_where(self, bank: Bank) -> None:
        reference = await bank.expected("ord_a", 2_500)
        facts = await bank.gateway.look_payment(reference)
        assert facts.action == {
            "type": "bank_transfer",
            "reference": reference,
            "amount": 2_500,
            "received": 0,
            "currency": "EUR",
            "account": {"holder": "Wheelwright Markets", "iban": "DE89370400440532013000", "bic": "COBADEFFXXX"},
        }

    async def test_too_little_waits_for_the_rest(self, bank: Bank) -> None:
        reference = await bank.expected("ord_a", 2_500)
        await bank.buyer_pays(reference, 2_499)
        assert await phase(bank, reference) == (PaymentPhase.WAITING, 2_499)
        with pytest.raises(GatewayRefused, match="waiting"):
            await bank.gateway.capture("c", reference, 100)
        await bank.buyer_pays(reference, 1)
        assert await phase(bank, reference) == (PaymentPhase.HELD, 2_500)
        assert await bank.balances() == {"clearing:bank": -2_500, "receipts:ord_a": 2_500}

    async def test_an_invoice_may_be_paid_before_it_is_asked_for(self, bank: Bank) -> None:
        await bank.order("ord_a", 100)
        known = await bank.gateway.open_payment("k", order_id="ord_a", amount=100, currency="EUR", payment_method=bank.method)
        await bank.buyer_pays(known.reference, 100)
        assert (await bank.gateway.authorize("a", known.reference)).phase is PaymentPhase.HELD

    async def test_what_waits_for_it_is_woken(self, bank: Bank) -> None:
        reference = await bank.expected("ord_a")
        async with bank.database.tx() as tx:
            new = NewStep(kind="payment.authorize", target=HUB_TARGET, saga_id="ord_a", subject_id="p", payload={}, redrive=600)
            await steps.add(tx, new)
        async with bank.database.tx() as tx:
            assert len(await steps.claim(tx, per_target=1, sending=False)) == 1
        async with bank.database.tx() as tx:
            assert await steps.claim(tx, per_target=1, sending=False) == []
        await bank.buyer_pays(reference, 1)
        async with bank.database.tx() as tx:
            assert len(await steps.claim(tx, per_target=1, sending=False)) == 1

    async def test_the_wrong_currency_is_nobodys(self, bank: Bank) -> None:
        reference = await bank.expected("ord_a", 100)
        report = await bank.file(bank.line(100, reference, currency="USD"))
        assert (report.matched, report.unmatched) == (0, 1)
        assert await phase(bank, reference) == (PaymentPhase.WAITING, 0)

    async def test_a_line_for_two_payments_is_nobodys(self, bank: Bank) -> None:
        one, two = await bank.expected("ord_a", 100), await bank.expected("ord_b", 100)
        assert (await bank.file(bank.line(200, f"{one} and {two}"))).unmatched == 1

    async def test_a_payment_of_no_order_is_not_expected(self, bank: Bank) -> None:
        with pytest.raises(GatewayRefused, match="through the bank"):
            await bank.gateway.open_payment("k", order_id="ord_x", amount=1, currency="EUR", payment_method=bank.method)

    async def test_a_second_payment_has_a_reference_of_its_own(self, bank: Bank) -> None:
        await bank.order("ord_a", 100)
        opened = [
            await bank.gateway.open_payment(key, order_id="ord_a", amount=100, currency="EUR", payment_method=bank.method)
            for key in ("k1", "k2", "k1")
        ]
        assert opened[0].reference == opened[2].reference != opened[1].reference
        with pytest.raises(GatewayRefused, match="another payment"):
            await bank.gateway.open_payment("k1", order_id="ord_a", amount=99, currency="EUR", payment_method=bank.method)


class TestFiles:
    async def test_a_file_twice_is_a_file_once(self, bank: Bank) -> None:
        reference = await bank.expected("ord_a", 100)
        lines = [bank.line(60, reference), bank.line(40, reference), bank.line(5, "?"), bank.line(-7)]
        assert await bank.file(*lines) == FileReport(lines=4, matched=2, unmatched=1, unexplained=1)
        before = await bank.balances()
        assert before == {"clearing:bank": -98, "receipts:ord_a": 100, "suspense": -2}
        assert await bank.file(*lines) == FileReport(lines=4, known=4)
        assert await bank.file(*lines[::-1], bank.line(1)) == FileReport(lines=5, known=4, unmatched=1)
        assert (await phase(bank, reference), len(await bank.lines())) == ((PaymentPhase.HELD, 100), 5)

    async def test_a_line_twice_in_a_file_counts_once(self, bank: Bank) -> None:
        reference = await bank.expected("ord_a", 100)
        line = bank.line(100, reference)
        assert await bank.file(line, line) == FileReport(lines=2, matched=1, known=1)

    async def test_the_same_line_with_another_amount_refuses_the_file(self, bank: Bank) -> None:
        reference = await bank.expected("ord_a", 100)
        await bank.file(bank.line(5, bank_id="same"))
        with pytest.raises(Conflict, match="line 3") as no:
            await bank.file(bank.line(100, reference), bank.line(6, bank_id="same"))
        assert no.value.slug == "bank_line_differs"
        assert await phase(bank, reference) == (PaymentPhase.WAITING, 0)

    async def test_a_file_has_its_limit(self, bank: Bank) -> None:
        line = bank.line(1)
        with pytest.raises(Invalid, match=str(LINES_MAX)):
            await bank.file(*[line] * (LINES_MAX + 1))
        assert await bank.lines() == []

    async def test_uploads_at_the_same_time_book_once(self, bank: Bank) -> None:
        references = [await bank.expected(f"ord_{number}", 100) for number in range(4)]
        lines = [bank.line(50, reference) for reference in references for _ in range(2)]
        reports = await asyncio.gather(bank.file(*lines), bank.file(*lines[::-1]), bank.file(*lines[4:], *lines[:4]))
        assert sorted((report.matched, report.known) for report in reports) == [(0, 8), (0, 8), (8, 0)]
        assert [await phase(bank, reference) for reference in references] == [(PaymentPhase.HELD, 100)] * 4
        assert (await bank.balances())["clearing:bank"] == -400

    async def test_a_crash_anywhere_leaves_nothing_half_done(self, bank: Bank) -> None:
        one, two = await bank.expected("ord_a", 100), await bank.expected("ord_b", 100)
        lines = [bank.line(100, one), bank.line(150, two), bank.line(3, "?")]
        crashes = 0
        while True:
            with Crash(bank, after=crashes) as crash:
                try:
                    report = await bank.file(*lines)
                except Crashed:
                    assert (await bank.lines(), await bank.balances()) == ([], {})
                    crashes += 1
                    continue
            assert not crash.struck
            break
        assert crashes > 20, "it was to crash after each statement"
        assert report == FileReport(lines=3, matched=2, unmatched=1)
        assert await bank.balances() == {"clearing:bank": -253, "receipts:ord_a": 100, "receipts:ord_b": 150, "suspense": 3}


class Crashed(Exception):
    """The process is gone."""


class Crash:
    """Ends whatever is under way at the statement after so many."""

    def __init__(self, bank: Bank, after: int) -> None:
        self._database = bank.database
        self._left = after
        self.struck = False

    def __enter__(self) -> Self:
        count = self._count

        class Counted(Wire):
            async def execute(self, statement: Executable, values: Any = None) -> Any:
                count()
                return await super().execute(statement, values)

        self._database.connection = Counted
        return self

    def __exit__(self, *_: object) -> None:
        self._database.connection = Wire

    def _count(self) -> None:
        if self.struck:
            return
        if self._left == 0:
            self.struck = True
            raise Crashed
        self._left -= 1


def seen(amount: int, **more: Any) -> NewReceipt:
    """What an operator says of a receipt."""
    said: dict[str, Any] = {"bank_id": "H1", "booked_on": date(2026, 1, 31), "amount": amount, "currency": "EUR", "note": "seen"}
    return NewReceipt(**said | more)


class TestByHand:
    async def test_an_operator_confirms_and_the_file_comes_later(self, bank: Bank) -> None:
        reference = await bank.expected("ord_a", 100)
        for _ in range(2):
            async with bank.database.tx(OLGA) as tx:
                assert (await receive.confirm(tx, reference.lower(), seen(100, payer_iban=ADA))).received == 100
        assert await bank.file(bank.line(100, reference, bank_id="H1")) == FileReport(lines=1, known=1)
        assert await phase(bank, reference) == (PaymentPhase.HELD, 100)
        [line] = await bank.lines()
        assert (line.source, line.recorded_by, line.note, line.payer_iban) == ("hand", "operator:olga", "seen", ADA)

    @pytest.mark.parametrize(
        ("said", "slug"),
        [
            ({"currency": "USD"}, "currency_differs"),
            ({"amount": 99}, "bank_line_differs"),
            ({"bank_id": "other"}, "receipt_known"),
            ({"bank_id": "new", "payer_iban": "DE00"}, "iban_invalid"),
        ],
    )
    async def test_what_cannot_be(self, bank: Bank, said: dict[str, Any], slug: str) -> None:
        one, two = await bank.expected("ord_a", 100), await bank.expected("ord_b", 100)
        await bank.file(bank.line(100, one, bank_id="H1"), bank.line(100, two, bank_id="other"))
        with pytest.raises((Conflict, Invalid)) as no:
            async with bank.database.tx(OLGA) as tx:
                await receive.confirm(tx, one, seen(**{"amount": 100, **said}))
        assert no.value.slug == slug

    async def test_nobody_expects_it(self, bank: Bank) -> None:
        with pytest.raises(NotFound):
            async with bank.database.tx(OLGA) as tx:
                await receive.confirm(tx, "RF18539007547034", seen(1))

    async def test_an_unmatched_receipt_finds_its_payment(self, bank: Bank) -> None:
        reference = await bank.expected("ord_a", 100)
        await bank.file(bank.line(100, "I forgot the number"))
        [line] = await bank.lines(unmatched=True)
        assert await bank.balances() == {"clearing:bank": -100, "suspense": 100}
        async with bank.database.tx(OLGA) as tx:
            await receive.assign(tx, line.id, Assignment(reference=reference, note="by her name"))
        assert await bank.balances() == {"clearing:bank": -100, "receipts:ord_a": 100}
        assert await phase(bank, reference) == (PaymentPhase.HELD, 100)
        assert await bank.lines(unmatched=True) == []
        with pytest.raises(Conflict):
            async with bank.database.tx(OLGA) as tx:
                await receive.send_back(tx, line.id, SendTo(reason="no"))

    async def test_an_unmatched_receipt_goes_back(self, bank: Bank) -> None:
        await bank.file(bank.line(100, "?"), bank.line(7, "?", currency="USD", payer_iban=None))
        one, two = await bank.lines(unmatched=True)
        async with bank.database.tx(OLGA) as tx:
            orders = [await receive.send_back(tx, line.id, SendTo(reason="unknown")) for line in (one, two)]
        assert [(order.amount, order.currency, order.iban) for order in orders] == [(100, "EUR", ADA), (7, "USD", None)]
        assert await bank.lines(unmatched=True) == []
        assert (await bank.sent(*orders)).executed == 2
        assert await bank.balances() == {}
        with pytest.raises(Conflict):
            async with bank.database.tx(OLGA) as tx:
                await receive.send_back(tx, one.id, SendTo(reason="again"))

    async def test_a_receipt_in_another_currency_is_not_assigned(self, bank: Bank) -> None:
        reference = await bank.expected("ord_a", 100)
        await bank.file(bank.line(100, "?", currency="USD", payer_iban=BOB))
        [line] = await bank.lines(unmatched=True)
        with pytest.raises(Conflict, match="USD"):
            async with bank.database.tx(OLGA) as tx:
                await receive.assign(tx, line.id, Assignment(reference=reference, note="?"))
