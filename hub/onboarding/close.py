"""Closes a vendor once nothing of it is open: its orders have ended, its money has reached its bank; its keys end last."""

from collections.abc import Mapping

import msgspec
import structlog
from sqlalchemy import func, select, text

from hub.kernel.errors import Conflict
from hub.kernel.money import Money
from hub.ledger import statement
from hub.onboarding import store
from hub.payments.facts import Funds
from hub.payments.ports import GatewayRefused, Gateways, InDoubt, NotSent, PaymentGateway
from hub.payouts import store as payouts
from hub.payouts.plan import paying
from hub.payouts.send import request
from hub.payouts.store import NewPayout
from hub.runtime import audit, auth
from hub.runtime.database import Actor, Database, Tx
from hub.vendors import accounts, nkeys
from hub.vendors import store as vendors
from hub.vendors.advance import advance
from hub.vendors.states import VendorEvent, VendorState
from hub.vendors.tables import vendors as vendor_table

log = structlog.get_logger("closing")

AT_ONCE = 20

OPEN = text("""
SELECT
    (SELECT count(*) FROM sub_orders WHERE vendor = :code AND state NOT IN ('settled', 'declined', 'canceled', 'expired')) AS orders,
    (SELECT count(*) FROM steps WHERE target = :code AND state = 'open') AS commands,
    (SELECT count(*) FROM transfers WHERE vendor = :code AND state IN ('held', 'sending')) AS transfers,
    (SELECT count(*) FROM payouts WHERE vendor = :code AND state IN ('requested', 'sent')) AS payouts,
    (SELECT count(*) FROM refunds WHERE vendor = :code AND state IN ('requested', 'gathering', 'sending')) AS refunds,
    (SELECT count(*) FROM reversals WHERE vendor = :code AND state = 'sending') AS reversals,
    (SELECT count(*) FROM returns WHERE vendor = :code AND state IN ('requested', 'authorized', 'in_transit', 'received')) AS returns,
    (SELECT count(DISTINCT d.id) FROM disputes d JOIN sub_orders s ON s.order_id = d.order_id
        WHERE s.vendor = :code AND d.state IN ('inquiry', 'open')) AS disputes
""")
"""What of a vendor has not come to its end, in the words of the slices it belongs to."""


class Closing(msgspec.Struct, frozen=True, kw_only=True):
    """What keeps a vendor from being closed: how many of each are open, and what it has with us or owes us (below zero).

    `at_provider` says why money that lies in its account at the provider is not paid out now, should there be any.
    """

    vendor: str
    state: VendorState
    open: dict[str, int]
    with_us: list[Money]
    at_provider: list[str]

    @property
    def nothing_left(self) -> bool:
        """Whether everything has come to its end here; what lies at the provider is another question."""
        return not self.open and not self.with_us


async def look(tx: Tx, code: str) -> Closing:
    """Raises `NotFound` (``unknown_vendor``)."""
    vendor = await vendors.get(tx, code)
    [counts] = await tx.mappings(OPEN, {"code": code})
    pots = await statement.now_with_us(tx, code)
    sums = {pot.currency: pot.held + pot.reserved + pot.due for pot in pots if pot.held or pot.reserved or pot.due}
    return Closing(
        vendor=code,
        state=vendor.state,
        open={name: number for name, number in counts.items() if number},
        with_us=[Money(amount=amount, currency=currency) for currency, amount in sorted(sums.items())],
        at_provider=await _not_paid_out(tx, code),
    )


async def _not_paid_out(tx: Tx, code: str) -> list[str]:
    account, standing = await accounts.account_of(tx, code)
    if account is None:
        return []
    held_up = await payouts.held_up(tx, code)
    failed = [f"{currency}: the last payout failed: {reason}" for currency, reason in sorted(held_up.items())]
    return failed if standing.may_pay_out else ["the provider pays nothing out of its account", *failed]


async def close_vendors(database: Database, gateways: Gateways) -> int:
    """Go on with every vendor that is closing; how many were closed. Any number of workers may, and any of them may die at it."""
    async with database.reading() as tx:
        codes = [row.code for row in await tx.rows(_CLOSING)]
    return sum([await _go_on(database, paying(gateways), code) for code in codes])


_v = vendor_table.c
_CLOSING = select(_v.code).where(_v.state == VendorState.CLOSING).order_by(func.random()).limit(AT_ONCE)


async def _go_on(database: Database, gateway: PaymentGateway | None, code: str) -> bool:
    async with database.reading() as tx:
        left = await look(tx, code)
        account = (await vendors.get(tx, code)).connected_account
    if not left.nothing_left:
        return False
    if account is not None:
        if gateway is None:  # nobody can say what is in it
            return False
        try:
            funds = await gateway.funds(account)
            if any(there.available or there.pending for there in funds.values()):
                if (await gateway.look_account(account)).may_pay_out:
                    await _pay_out(database, code, gateway.name, account, funds)
                return False
        except (GatewayRefused, InDoubt, NotSent) as error:
            log.warning("closing.funds_unknown", vendor=code, error=repr(error))
            return False
    async with database.tx() as tx:
        return await end(tx, code)


async def _pay_out(database: Database, code: str, gateway: str, account: str, funds: Mapping[str, Funds]) -> None:
    """The rest, however little it is: no schedule of the vendor's will come round again."""
    async with database.reading() as tx:
        held_up = await payouts.held_up(tx, code)
    for currency, there in funds.items():
        if there.available > 0 and currency not in held_up:
            new = NewPayout(vendor=code, gateway=gateway, account=account, amount=there.available, currency=currency)
            async with database.tx() as tx:
                try:
                    await request(tx, new)
                except Conflict:  # one is being sent already
                    continue


async def end(tx: Tx, code: str) -> bool:
    """Close a vendor of which nothing is left, and end all its keys with it; False if something has come up, or it was closed."""
    await vendors.lock(tx, code)
    left = await look(tx, code)
    if left.state is not VendorState.CLOSING or not left.nothing_left:
        return False
    await advance(tx, code, VendorEvent.END, "nothing is open")
    keys = await auth.revoke_all(tx, Actor("vendor", code))
    await nkeys.revoke_all(tx, code)
    await store.end_invitations(tx, code)
    await audit.note(tx, "vendor.closed", code, after={"api_keys_ended": keys})
    log.info("vendor.closed", vendor=code)
    return True
