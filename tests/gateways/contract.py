"""What `PaymentGateway` promises, as tests that any provider can be held to: subclass `GatewayContract`, give it a `provider`."""

from collections.abc import Awaitable, Callable
from typing import Literal, Protocol, TypeVar

import pytest

from hub.payments.facts import Captured, PaymentFacts, PaymentPhase, RefundFacts, Settling
from hub.payments.ports import GatewayRefused, NotSent, PaymentGateway

T = TypeVar("T")
Kind = Literal["payments", "refunds", "transfers", "reversals", "payouts"]

ORDER = "ord_1"
AMOUNT = 10_000
DAY = 86_400
FAR = 1 << 40


class Provider(Protocol):
    """A provider with a test's hands on it."""

    gateway: PaymentGateway
    method: str
    """A payment method that works."""

    async def buyer_pays(self, reference: str, amount: int) -> None:
        """The buyer does what a waiting payment asks for."""
        ...

    async def settle(self) -> None:
        """Whoever has to act by hand acts: all that is ordered is executed."""
        ...

    async def advance(self, seconds: int) -> None:
        """Time passes."""
        ...

    async def vendor(self, *, ready: bool = True) -> str:
        """The account of a vendor who may receive money, or may not yet."""
        ...

    def count(self, kind: Kind) -> int:
        """How many there are, whatever was answered."""
        ...


async def refused(call: Awaitable[object]) -> str:
    """The code with which a call is refused."""
    with pytest.raises(GatewayRefused) as no:
        await call
    assert no.value.message
    return no.value.code


async def settled(provider: Provider, call: Callable[[], Awaitable[T]]) -> T:
    """What the call gives once everybody has done their part."""
    for _ in range(3):
        try:
            return await call()
        except NotSent:
            await provider.settle()
    return await call()


async def opened(provider: Provider, key: str = "pay", amount: int = AMOUNT) -> PaymentFacts:
    """A payment the provider knows."""
    return await provider.gateway.open_payment(f"{key}.open", order_id=ORDER, amount=amount, currency="EUR", payment_method=provider.method)


async def held(provider: Provider, key: str = "pay", amount: int = AMOUNT) -> PaymentFacts:
    """A payment that may be captured."""
    known = await opened(provider, key, amount)
    facts = await provider.gateway.authorize(f"{key}.confirm", known.reference)
    if facts.phase is PaymentPhase.WAITING:
        assert facts.action
        assert (await provider.gateway.look_payment(known.reference)).phase is PaymentPhase.WAITING
        await provider.buyer_pays(known.reference, amount)
        facts = await provider.gateway.authorize(f"{key}.confirm", known.reference)
    assert (facts.phase, facts.received) == (PaymentPhase.HELD, amount)
    return facts


async def captured(provider: Provider, amount: int = AMOUNT) -> Captured:
    """Money taken."""
    return await provider.gateway.capture("capture", (await held(provider)).reference, amount)


async def refund(provider: Provider, charge: str, amount: int, key: str = "refund") -> RefundFacts:
    """A refund asked for."""
    return await provider.gateway.refund(key, charge=charge, amount=amount, currency="EUR", order_id=ORDER)


async def transfer(provider: Provider, charge: str | None, account: str, amount: int, key: str = "share") -> str:
    """A share moved, once everybody has done their part."""
    share = provider.gateway.transfer
    return await settled(provider, lambda: share(key, charge=charge, account=account, amount=amount, currency="EUR", order_id=ORDER))


class GatewayContract:
    """Every test takes the fixture `provider`, new for each."""

    async def test_a_payment_goes_from_opened_to_captured(self, provider: Provider) -> None:
        known = await opened(provider)
        assert known.phase in {PaymentPhase.OPEN, PaymentPhase.WAITING}
        facts = await held(provider)
        assert facts.reference == known.reference
        assert await provider.gateway.look_payment(known.reference) == facts
        taken = await provider.gateway.capture("c", known.reference, 7_500)
        assert (taken.reference, taken.amount) == (known.reference, 7_500)
        assert taken.charge
        assert 0 <= taken.fee < 7_500
        assert (await provider.gateway.look_payment(known.reference)).phase is PaymentPhase.CAPTURED
        assert provider.count("payments") == 1

    async def test_the_same_key_acts_once(self, provider: Provider) -> None:
        account = await provider.vendor()
        assert await opened(provider) == await opened(provider)
        facts = await held(provider)
        assert await held(provider) == facts
        taken = await provider.gateway.capture("c", facts.reference, 9_000)
        assert await provider.gateway.capture("c", facts.reference, 9_000) == taken
        assert await refund(provider, taken.charge, 100) == await refund(provider, taken.charge, 100)
        assert await transfer(provider, taken.charge, account, 200) == await transfer(provider, taken.charge, account, 200)
        assert [provider.count(kind) for kind in ("payments", "refunds", "transfers")] == [1, 1, 1]

    async def test_it_is_captured_once(self, provider: Provider) -> None:
        taken = await captured(provider, 8_000)
        assert await provider.gateway.capture("other", taken.reference, 8_000) == taken
        assert await refused(provider.gateway.capture("third", taken.reference, 7_999)) == "already_captured"
        assert await refused(provider.gateway.void("v", taken.reference)) == "already_captured"

    async def test_more_than_is_held_is_refused(self, provider: Provider) -> None:
        facts = await held(provider)
        assert await refused(provider.gateway.capture("c", facts.reference, AMOUNT + 1))
        assert (await provider.gateway.look_payment(facts.reference)).phase is PaymentPhase.HELD

    async def test_what_is_closed_stays_closed(self, provider: Provider) -> None:
        known = await opened(provider)
        await provider.gateway.void("v1", known.reference)
        await provider.gateway.void("v1", known.reference)
        await provider.gateway.void("v2", known.reference)
        assert (await provider.gateway.look_payment(known.reference)).phase is PaymentPhase.CLOSED
        assert await refused(provider.gateway.authorize("a", known.reference))
        assert await refused(provider.gateway.capture("c", known.reference, 1))

    async def test_a_hold_is_given_back(self, provider: Provider) -> None:
        facts = await held(provider)
        await provider.gateway.void("v", facts.reference)
        assert (await provider.gateway.look_payment(facts.reference)).phase is PaymentPhase.CLOSED
        assert await refused(provider.gateway.capture("c", facts.reference, AMOUNT))

    async def test_what_nobody_knows_is_refused(self, provider: Provider) -> None:
        gateway = provider.gateway
        for call in (
            gateway.look_payment("nobody"),
            gateway.authorize("a", "nobody"),
            gateway.capture("c", "nobody", 1),
            gateway.void("v", "nobody"),
            gateway.look_refund("nobody"),
            gateway.refund("r", charge="nobody", amount=1, currency="EUR", order_id=ORDER),
            gateway.reverse("x", transfer="nobody", amount=1, order_id=ORDER),
            gateway.look_payout("nobody", account=None),
            gateway.look_dispute("nobody"),
        ):
            assert await refused(call)

    async def test_a_part_is_refunded(self, provider: Provider) -> None:
        taken = await captured(provider)
        asked = await refund(provider, taken.charge, 4_000)
        assert (asked.amount, asked.currency, asked.charge, asked.key) == (4_000, "EUR", taken.charge, "refund")
        assert asked.state in {Settling.PENDING, Settling.DONE}
        await provider.settle()
        done = await provider.gateway.look_refund(asked.reference)
        assert (done.reference, done.state) == (asked.reference, Settling.DONE)
        assert await provider.gateway.find_refund("refund", charge=taken.charge) == done
        assert await provider.gateway.find_refund("other", charge=taken.charge) is None

    async def test_no_more_is_refunded_than_was_taken(self, provider: Provider) -> None:
        taken = await captured(provider, 8_000)
        await refund(provider, taken.charge, 5_000, "r1")
        assert await refused(refund(provider, taken.charge, 3_001, "r2"))
        await refund(provider, taken.charge, 3_000, "r3")
        assert await refused(refund(provider, taken.charge, 1, "r4"))
        assert provider.count("refunds") == 2

    async def test_a_share_is_transferred(self, provider: Provider) -> None:
        account, taken = await provider.vendor(), await captured(provider)
        assert (await provider.gateway.look_account(account)).may_receive
        assert await provider.gateway.find_transfer("share", order_id=ORDER) is None
        moved = await transfer(provider, taken.charge, account, 6_000)
        assert await provider.gateway.find_transfer("share", order_id=ORDER) == moved
        assert await provider.gateway.find_transfer("other", order_id=ORDER) is None

    async def test_who_may_not_receive_gets_nothing(self, provider: Provider) -> None:
        account, taken = await provider.vendor(ready=False), await captured(provider)
        facts = await provider.gateway.look_account(account)
        assert not facts.may_receive
        assert facts.due or facts.reason
        assert await refused(transfer(provider, taken.charge, account, 1))
        assert provider.count("transfers") == 0

    async def test_a_transfer_is_reversed_or_that_is_refused_for_good(self, provider: Provider) -> None:
        account, taken = await provider.vendor(), await captured(provider)
        moved = await transfer(provider, taken.charge, account, 6_000)
        back = provider.gateway.reverse
        if not provider.gateway.abilities.accounts:
            assert await refused(back("x", transfer=moved, amount=1_000, order_id=ORDER))
            return
        reversal = await back("x", transfer=moved, amount=1_000, order_id=ORDER)
        assert await back("x", transfer=moved, amount=1_000, order_id=ORDER) == reversal
        assert await provider.gateway.find_reversal("x", transfer=moved) == reversal
        assert await provider.gateway.find_reversal("other", transfer=moved) is None
        assert await refused(back("y", transfer=moved, amount=5_001, order_id=ORDER))
        assert provider.count("reversals") == 1

    async def test_what_was_made_under_a_forgotten_key_is_found(self, provider: Provider) -> None:
        account, taken = await provider.vendor(), await captured(provider)
        asked = await refund(provider, taken.charge, 100)
        moved = await transfer(provider, taken.charge, account, 200)
        await provider.advance(DAY + 3_600)
        found = await provider.gateway.find_refund("refund", charge=taken.charge)
        assert found is not None
        assert found.reference == asked.reference
        assert await provider.gateway.find_transfer("share", order_id=ORDER) == moved

    async def test_movements_are_told_once_and_in_order(self, provider: Provider) -> None:
        taken = await captured(provider, AMOUNT)
        await refund(provider, taken.charge, 1_000)
        await provider.settle()
        moved = await provider.gateway.movements(since=0, until=FAR)
        assert sum(one.net for one in moved) == AMOUNT - taken.fee - 1_000
        assert all(one.net == one.amount - one.fee and one.currency == "EUR" for one in moved)
        assert len({one.id for one in moved}) == len(moved)
        assert [one.at for one in moved] == sorted(one.at for one in moved)
        assert await provider.gateway.movements(since=0, until=int(moved[0].at.timestamp())) == []
        assert await provider.gateway.movements(since=FAR, until=FAR + 1) == []
