"""`PaymentGateway` on our own bank account: what our tables say was expected, came, and is to be sent."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import NoReturn

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from hub.gateways.bank import facts, send, store
from hub.gateways.bank.model import BankPayment, Kind, NewOrder
from hub.gateways.bank.rules import ABILITIES, NAME, plain, reference_of
from hub.gateways.bank.states import BankPaymentEvent, BankPaymentState
from hub.payments import store as payments
from hub.payments.facts import (
    Abilities,
    AccountFacts,
    Captured,
    DisputeFacts,
    Funds,
    Movement,
    PaymentFacts,
    PayoutFacts,
    ProviderEvent,
    RefundFacts,
)
from hub.payments.ports import GatewayRefused, InDoubt
from hub.runtime.database import Database, Tx
from hub.vendors import store as vendors
from hub.vendors.money_terms import BankAccount

LIFE = store.BANK_PAYMENT_LIFE
TEXT_MAX = 140


class BankGateway:
    """Nothing is sent by it: it expects, it looks, and it writes orders that an operator takes to the bank.

    A transfer counts as made when it is ordered; if the bank refuses it, the books give it back to the vendor as a credit.
    """

    def __init__(self, database: Database, ours: BankAccount) -> None:
        self._database = database
        self._ours = ours

    @property
    def name(self) -> str:
        """``bank``."""
        return NAME

    @property
    def answers(self) -> bool:
        """Nobody is asked but our own database."""
        return True

    @property
    def abilities(self) -> Abilities:
        """Money comes first and somebody has to say so; nothing else."""
        return ABILITIES

    async def open_customer(self, key: str, *, customer_id: str) -> str:
        """Never: a bank transfer leaves nothing to be kept."""
        raise GatewayRefused("not_offered", f"{NAME} keeps nothing for {customer_id} ({key})")

    async def open_payment(  # noqa: PLR0913  # the port's: one payment, all by name
        self, key: str, *, order_id: str, amount: int, currency: str, payment_method: str, customer: str | None = None, save: bool = False
    ) -> PaymentFacts:
        """Expect a payment under a reference of its own. Refused: ``unknown_order``, ``idempotency_error``."""
        del payment_method, customer, save  # there is one way to send money, and nothing to keep
        async with self._asked() as tx:
            payment = await store.payment_of_key(tx, key)
            if payment is None:
                before = await store.payments_of_order(tx, order_id)
                mine = [each for each in await payments.all_of_order(tx, order_id) if each.gateway == NAME]
                if not mine:
                    raise GatewayRefused("unknown_order", f"no payment of {order_id} goes through the bank")
                await store.open_payment(
                    tx,
                    key=key,
                    order_id=order_id,
                    payment_id=mine[-1].id,
                    reference=reference_of(order_id, len(before)),
                    amount=amount,
                    currency=currency,
                )
                payment = await store.payment_of_key(tx, key)
            if payment is None:
                raise InDoubt("another payment of this order was opened at the same time")
        if (payment.order_id, payment.amount, payment.currency) != (order_id, amount, currency):
            raise GatewayRefused("idempotency_error", "this key was used for another payment")
        return facts.of_payment(payment, self._ours)

    async def authorize(self, key: str, reference: str) -> PaymentFacts:
        """Wait for the money: ``action`` tells the buyer where to. Refused: ``payment_closed``."""
        del key
        async with self._asked() as tx:
            payment = await self._known(tx, reference)
            if payment.state is BankPaymentState.CLOSED:
                raise GatewayRefused("payment_closed", "the payment is closed")
            if payment.state is BankPaymentState.OPEN:
                await LIFE.advance(tx, payment.id, BankPaymentEvent.EXPECT)
                payment = await self._known(tx, reference)
        return facts.of_payment(payment, self._ours)

    async def look_payment(self, reference: str) -> PaymentFacts:
        """Held as soon as all of it has come."""
        async with self._asked() as tx:
            payment = await self._known(tx, reference, lock=False)
        return facts.of_payment(payment, self._ours)

    async def void(self, key: str, reference: str) -> None:
        """Close; what has come, and what still comes, goes back. Refused: ``already_captured``."""
        del key
        async with self._asked() as tx:
            payment = await self._known(tx, reference)
            if payment.state is BankPaymentState.CAPTURED:
                raise GatewayRefused("already_captured", "the payment was captured and can only be refunded")
            if payment.state is not BankPaymentState.CLOSED:
                await LIFE.advance(tx, payment.id, BankPaymentEvent.CLOSE, data={"received": payment.received})
                await send.back_unused(tx, payment, payment.received, "payment closed")

    async def capture(self, key: str, reference: str, amount: int) -> Captured:
        """Keep `amount`; the rest goes back. Refused: ``already_captured``, ``payment_closed``, ``not_received``, ``amount_too_large``."""
        del key
        async with self._asked() as tx:
            payment = await self._known(tx, reference)
            if payment.state is not BankPaymentState.CAPTURED:
                if payment.state is not BankPaymentState.HELD:
                    code = "payment_closed" if payment.state is BankPaymentState.CLOSED else "not_received"
                    raise GatewayRefused(code, f"the payment is {payment.state}")
                if not 0 < amount <= payment.amount:
                    raise GatewayRefused("amount_too_large", f"{payment.amount} was to be paid")
                values = {"captured": amount}
                await LIFE.advance(tx, payment.id, BankPaymentEvent.CAPTURE, data=values, values=values)
                await send.back_unused(tx, payment, payment.received - amount, "not used")
                payment = await self._known(tx, reference)
        if payment.captured != amount:
            raise GatewayRefused("already_captured", f"{payment.captured} was captured instead of {amount}")
        return Captured(reference=reference, charge=reference, amount=amount, fee=0)

    async def refund(self, key: str, *, charge: str, amount: int, currency: str, order_id: str) -> RefundFacts:
        """An order to the buyer's bank. Refused: ``charge_unknown``, ``amount_too_large``, ``idempotency_error``."""
        async with self._asked() as tx:
            payment = await self._known(tx, charge)
            order = await store.order_of_key(tx, key)
            if order is None:
                if payment.currency != currency:
                    raise GatewayRefused("currency_differs", f"it was paid in {payment.currency}")
                if amount <= 0 or await store.refunded(tx, payment.id) + amount > payment.captured:
                    raise GatewayRefused("amount_too_large", f"{payment.captured} was captured, a part of it is refunded")
                new = NewOrder(
                    key=key,
                    kind=Kind.REFUND,
                    amount=amount,
                    currency=currency,
                    account=send.payer_of_all(await store.receipts_of(tx, payment.id)),
                    text=plain(f"{payment.reference} refund", TEXT_MAX),
                    order_id=order_id,
                    payment_id=payment.id,
                )
                order = await store.add_order(tx, new)
        if (order.kind, order.payment_id, order.amount, order.currency) != (Kind.REFUND, payment.id, amount, currency):
            raise GatewayRefused("idempotency_error", "this key was used for something else")
        return facts.of_refund(order, charge)

    async def find_refund(self, key: str, *, charge: str) -> RefundFacts | None:
        """By its key, which is kept forever."""
        async with self._asked() as tx:
            order = await store.order_of_key(tx, key)
            payment = await store.payment(tx, charge)
        known = order is not None and payment is not None and (order.kind, order.payment_id) == (Kind.REFUND, payment.id)
        return facts.of_refund(order, charge) if order is not None and known else None

    async def look_refund(self, reference: str) -> RefundFacts:
        """Done when the bank has executed it; it fails if the money comes back."""
        async with self._asked() as tx:
            order = await facts.known_order(tx, reference)
            payment = await store.payment_of_id(tx, order.payment_id) if order.payment_id else None
        if order.kind is not Kind.REFUND or payment is None:
            raise GatewayRefused("refund_unknown", f"{reference} is no refund")
        return facts.of_refund(order, payment.reference)

    async def transfer(  # one transfer, all by name
        self, key: str, *, charge: str | None, account: str, amount: int, currency: str, order_id: str
    ) -> str:
        """An order to the bank of the vendor `account`. Refused: ``no_bank_account``, ``transfer_failed``, ``idempotency_error``."""
        del charge  # all our money lies on one account
        async with self._asked() as tx:
            order = await store.order_of_key(tx, key)
            if order is None:
                terms = (await vendors.terms_of(tx, [account])).get(account)
                if terms is None or terms.bank_account is None:
                    raise GatewayRefused("no_bank_account", f"nobody knows the bank account of {account}")
                new = NewOrder(
                    key=key,
                    kind=Kind.TRANSFER,
                    amount=amount,
                    currency=currency,
                    account=terms.bank_account,
                    text=plain(order_id, TEXT_MAX),
                    order_id=order_id,
                    vendor=account,
                )
                order = await store.add_order(tx, new)
        if (order.kind, order.vendor, order.amount, order.currency) != (Kind.TRANSFER, account, amount, currency):
            raise GatewayRefused("idempotency_error", "this key was used for something else")
        return order.id

    async def find_transfer(self, key: str, *, order_id: str) -> str | None:
        """By its key, which is kept forever."""
        async with self._asked() as tx:
            order = await store.order_of_key(tx, key)
        return order.id if order is not None and (order.kind, order.order_id) == (Kind.TRANSFER, order_id) else None

    async def reverse(self, key: str, *, transfer: str, amount: int, order_id: str) -> str:
        """Never: what a vendor's bank has, we cannot take; it becomes the vendor's debt."""
        raise GatewayRefused("not_reversible", f"{amount} of {transfer} ({order_id}, {key}) cannot be taken back")

    async def find_reversal(self, key: str, *, transfer: str) -> str | None:
        """None is ever made."""
        del key, transfer
        return None

    async def open_account(self, key: str, *, vendor: str, name: str, country: str) -> str:
        """Refused: a vendor's account is at its own bank."""
        del key, vendor, name, country
        _refuse("accounts")

    async def look_account(self, account: str) -> AccountFacts:
        """A vendor (by its code) may receive once its bank account is known."""
        async with self._asked() as tx:
            terms = (await vendors.terms_of(tx, [account])).get(account)
        ready = terms is not None and terms.bank_account is not None
        return AccountFacts(account=account, may_receive=ready, may_pay_out=False, due=[] if ready else ["bank_account"])

    async def onboarding_link(self, account: str, *, back: str, again: str) -> str:
        """Refused: there is nobody to be told."""
        del account, back, again
        _refuse("onboarding")

    async def funds(self, account: str | None = None) -> Mapping[str, Funds]:
        """What our account holds by its lines; `pending` is what is still to be sent."""
        if account is not None:
            _refuse("accounts")
        async with self._asked() as tx:
            return await store.funds(tx)

    async def pay_out(self, key: str, *, account: str | None, amount: int, currency: str) -> PayoutFacts:
        """Refused: the money is at the bank already."""
        del key, account, amount, currency
        _refuse("payouts")

    async def find_payout(self, key: str, *, account: str | None) -> PayoutFacts | None:
        """None is ever made."""
        del key, account
        return None

    async def look_payout(self, reference: str, *, account: str | None) -> PayoutFacts:
        """Refused: there is none."""
        del reference, account
        _refuse("payouts")

    async def look_dispute(self, reference: str) -> DisputeFacts:
        """Refused: a bank transfer cannot be disputed."""
        del reference
        _refuse("disputes")

    async def movements(self, *, since: int, until: int, account: str | None = None) -> list[Movement]:
        """The lines of our account by the moment we learned of them: the bank's dates lie before it, and would be missed."""
        if account is not None:
            _refuse("accounts")
        async with self._asked() as tx:
            return [facts.of_line(line) for line in await store.lines_between(tx, since, until)]

    async def events(self, *, since: int, accounts: bool = False) -> list[ProviderEvent]:
        """None: whoever books a line wakes what waits for it in the same transaction."""
        del since, accounts
        return []

    async def close(self) -> None:
        """The database is not ours to close."""

    @asynccontextmanager
    async def _asked(self) -> AsyncGenerator[Tx]:
        """A transaction; if the database fails us, nobody knows whether it has committed."""
        try:
            async with self._database.tx() as tx:
                yield tx
        except (DBAPIError, PoolTimeoutError, OSError) as error:
            raise InDoubt(f"the bank's tables: {type(error).__name__}") from error

    async def _known(self, tx: Tx, reference: str, *, lock: bool = True) -> BankPayment:
        payment = await store.payment(tx, reference, lock=lock)
        if payment is None:
            raise GatewayRefused("payment_unknown", f"nothing is expected under {reference}")
        return payment


def _refuse(what: str) -> NoReturn:
    raise GatewayRefused("not_supported", f"bank transfers know no {what}")
