"""Plans payouts by each vendor's schedule: what is available in its account goes to its bank, once per due moment."""

from collections.abc import Mapping
from datetime import datetime

import msgspec
import structlog
from sqlalchemy import DateTime, Integer, Text, column, func, or_, select, values
from sqlalchemy.dialects.postgresql import insert

from hub.kernel.errors import Conflict
from hub.payments.facts import Funds
from hub.payments.ports import GatewayRefused, Gateways, InDoubt, NotSent, PaymentGateway
from hub.payouts import store
from hub.payouts.rules import all_due
from hub.payouts.send import request
from hub.payouts.store import NewPayout
from hub.payouts.tables import payout_plans
from hub.runtime.database import Database, Tx
from hub.vendors.money_terms import Marketplace, OwnTerms
from hub.vendors.tables import vendors

log = structlog.get_logger("payouts")

AT_ONCE = 50


class DueVendor(msgspec.Struct, frozen=True, kw_only=True):
    """A vendor whose schedule says now; `at` is the moment that is acted on."""

    vendor: str
    account: str
    payout_minimum: int | None
    at: datetime


def paying(gateways: Gateways) -> PaymentGateway | None:
    """The provider that keeps accounts of vendors, if one does."""
    return next((gateway for gateway in gateways.values() if gateway.abilities.accounts), None)


async def plan_payouts(database: Database, gateways: Gateways, marketplace: Marketplace) -> int:
    """Request the payouts of a few vendors that are due; how many were requested. Any number of workers may plan."""
    gateway = paying(gateways)
    if gateway is None:
        return 0
    async with database.reading() as tx:
        due = await due_vendors(tx, marketplace, limit=AT_ONCE)
    planned = 0
    for vendor in due:
        try:
            funds = await _ready_funds(gateway, marketplace, vendor)
        except GatewayRefused as error:
            log.warning("payouts.refused", vendor=vendor.vendor, error=repr(error))
            funds = None  # this vendor's trouble is not the next one's
        except (InDoubt, NotSent) as error:
            log.warning("payouts.not_planned", vendor=vendor.vendor, error=repr(error))
            return planned
        async with database.tx() as tx:
            planned += await plan_one(tx, marketplace, gateway.name, vendor, funds)
    return planned


async def due_vendors(tx: Tx, marketplace: Marketplace, *, limit: int) -> list[DueVendor]:
    """Vendors past a moment of their schedule that nobody has acted on; any of them, so that those in trouble bar nobody's way."""
    moments = [(interval, day, at) for interval, day, at in all_due(await store.now(tx))]
    schedule = values(column("interval", Text), column("day", Integer), column("at", DateTime(timezone=True)), name="schedule").data(
        moments
    )
    v, p = vendors.c, payout_plans.c
    interval = func.coalesce(v.payout_interval, marketplace.payout_interval)
    day = func.coalesce(v.payout_day, marketplace.payout_day)
    query = (
        select(v.code.label("vendor"), v.connected_account.label("account"), v.payout_minimum, schedule.c.at)
        .join(schedule, (schedule.c.interval == interval) & (schedule.c.day == day))
        .outerjoin(payout_plans, p.vendor == v.code)
        .where(v.connected_account.is_not(None))
        .where(or_(p.planned_for.is_(None), p.planned_for < schedule.c.at), or_(p.again_at.is_(None), p.again_at <= func.now()))
        .order_by(func.random())
        .limit(limit)
    )
    return await tx.all(query, DueVendor)


async def plan_one(tx: Tx, marketplace: Marketplace, gateway: str, vendor: DueVendor, funds: Mapping[str, Funds] | None) -> int:
    """Act on a vendor's due moment, unless another worker has; how many payouts were requested. No `funds`: look again later."""
    if not await _mine(tx, vendor):
        return 0
    barred = await store.barred(tx, vendor.vendor)
    worth = {} if funds is None else _worth(marketplace, vendor, funds)
    requested = 0
    for currency, amount in worth.items():
        if currency in barred:
            continue
        new = NewPayout(vendor=vendor.vendor, gateway=gateway, account=vendor.account, amount=amount, currency=currency)
        try:
            await request(tx, new)
        except Conflict:  # one is being sent already
            continue
        requested += 1
    if requested == 0 and (funds is None or barred.keys() & worth.keys()):
        await store.look_again(tx, vendor.vendor)
    return requested


async def _mine(tx: Tx, vendor: DueVendor) -> bool:
    """Claim the moment: of several workers one gets it, and who dies before its end has not had it."""
    p = payout_plans.c
    fresh = insert(payout_plans).values(vendor=vendor.vendor, planned_for=vendor.at)
    not_yet = or_(p.planned_for.is_(None), p.planned_for < vendor.at) & or_(p.again_at.is_(None), p.again_at <= func.now())
    claim = fresh.on_conflict_do_update(index_elements=[p.vendor], set_={"planned_for": vendor.at, "again_at": None}, where=not_yet)
    return await tx.execute(claim) == 1


async def _ready_funds(gateway: PaymentGateway, marketplace: Marketplace, vendor: DueVendor) -> Mapping[str, Funds] | None:
    """What is in the vendor's account; None if it is worth a payout and the account may not send one."""
    funds = await gateway.funds(vendor.account)
    if _worth(marketplace, vendor, funds) and not (await gateway.look_account(vendor.account)).may_pay_out:
        return None
    return funds


def _worth(marketplace: Marketplace, vendor: DueVendor, funds: Mapping[str, Funds]) -> dict[str, int]:
    own = OwnTerms(payout_minimum=vendor.payout_minimum)
    return {currency: there.available for currency, there in sorted(funds.items()) if there.available >= marketplace.minimum(own, currency)}
