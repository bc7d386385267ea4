"""What happens beside the orders: bonuses and fines, payouts and their failures, failed refunds, nights without a worker."""

import random
from typing import Any

from hub.adjustments import adjust
from hub.adjustments.store import NewAdjustment
from hub.kernel.errors import Refusal
from hub.ledger.recipes import Adjustment
from hub.payments.ports import GatewayRefused, InDoubt, NotSent
from hub.payouts import send as payout
from hub.payouts.store import NewPayout
from hub.refunds import send
from hub.runtime.database import Actor
from hub.transfers.credit import pay_credits
from hub.worker import provider
from tests.chaos.market import NEVER_OVERDRAWN, VENDORS, Market

OPERATOR = Actor("operator", "olga")
NIGHT = (25 * 3600, 30 * 3600)
SEEN_SECONDS = 660
"""A sweep looks back ten minutes: after this it need not see again what it has seen."""


class Office:
    """The people of the marketplace and the banks behind it."""

    def __init__(self, market: Market, seed: str) -> None:
        self._market = market
        self._random = random.Random(f"office {seed}")

    async def day(self, number: int) -> None:
        """One round's work."""
        r = self._random
        if r.random() < 0.7:
            await self.adjust()
        await pay_credits(self._market.shop.wiring.database)
        if number % 3 == 0:
            await self.failed_refunds(by_hand=False)
        await self.pay_out(often=number % 2 == 0)
        if number % 3 == 1:
            await self.fail_payouts()

    async def night(self) -> None:
        """No worker for more than a day: what was in doubt is older than any key. Every other day no account may be overdrawn."""
        m = self._market
        m.counts["in doubt over night"] += await m.shop.scalar(
            "SELECT count(*) FROM steps WHERE state = 'open' AND target = '@hub' AND attempt > 0 AND kind IN "
            "('payment.authorize','payment.capture','payout.transfer','payout.credit','refund.reverse','payment.refund','payout.send')"
        )
        await m.pass_time(self._random.randint(*NIGHT))
        await m.switches.turn("rules", {"reversals_need_funds": m.counts["nights"] % 2 == 0})
        await m.make_due(86_400)
        m.counts["nights"] += 1

    async def adjust(self) -> None:
        """A bonus or a fine by hand."""
        r = self._random
        kind = r.choices((Adjustment.BONUS, Adjustment.FINE), (70, 30))[0]
        amount = r.randint(1, 900) if kind is Adjustment.FINE else r.randint(1, 6000)
        new = NewAdjustment(vendor=r.choice(sorted(VENDORS)), kind=kind, amount=amount, currency=self._market.currency, reason="by hand")
        await self._market.shop.act(lambda tx: adjust.post(tx, new))
        self._market.counts[f"adjusted: {kind}"] += 1

    async def pay_out(self, *, often: bool) -> None:
        """Who never overdraws has all that is available paid out, so that nothing can be taken back; others some of it, now and then."""
        m, r = self._market, self._random
        for row in await m.rows("SELECT code, connected_account AS account FROM vendors ORDER BY code"):
            try:
                there = (await m.stripe.inner.funds(row.account)).get(m.currency)
                if there is None or there.available <= 0 or not (row.code == NEVER_OVERDRAWN or (often and r.random() < 0.6)):
                    continue
                amount = there.available if row.code == NEVER_OVERDRAWN else r.randint(1, there.available)
                new = NewPayout(vendor=row.code, gateway="stripe", account=row.account, amount=amount, currency=m.currency)
                await m.shop.act(lambda tx, new=new: payout.request(tx, new))
            except (InDoubt, NotSent, GatewayRefused, Refusal) as error:
                m.counts[f"no payout: {type(error).__name__}"] += 1

    async def fail_payouts(self) -> None:
        """A bank sends some back, be it after they had arrived."""
        for row in await self._market.rows("SELECT reference FROM payouts WHERE state IN ('sent', 'paid') ORDER BY id"):
            if not self._market.counts["payouts sent back"] or self._random.random() < 0.2:
                sent_back = await self._market.switches.turn(f"payouts/{row.reference}/fail")
                self._market.counts["payouts sent back"] += sent_back is not None

    async def failed_refunds(self, *, by_hand: bool) -> None:
        """An operator tries again, or pays by hand."""
        for row in await self._market.rows("SELECT id FROM refunds WHERE state = 'failed' ORDER BY id"):
            try:
                if by_hand or self._random.random() < 0.4:
                    await self._market.shop.act(lambda tx, row=row: send.settle_by_hand(tx, row.id, "cash"), OPERATOR)
                else:
                    await self._market.shop.act(lambda tx, row=row: send.retry(tx, row.id), OPERATOR)
            except Refusal as no:
                self._market.counts[f"failed refund: {no.slug}"] += 1

    async def hear(self) -> None:
        """Learn what has happened at the provider."""
        m = self._market
        await m.sql("UPDATE provider_cursors SET due_at = now() - interval '1 day'")
        gateways: Any = {"stripe": m.stripe}
        await provider.sweep_events(m.shop.wiring, gateways, every=0)
        await m.sql("UPDATE provider_events SET due_at = now() WHERE state IN ('new', 'parked')")
        await provider.apply_events(m.shop.wiring, gateways)
        await m.pass_time(SEEN_SECONDS)
