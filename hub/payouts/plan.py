"""Plans payouts by each vendor's schedule: what is available in its account goes to its bank, once per due moment."""

from collections.abc import Mapping
from datetime import datetime

import msgspec
import structlog
from sqlalchemy import ARRAY, DateTime, Integer, Text, bindparam, column, func, or_, select
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


_SCHEDULE = (
    func.unnest(
        bindparam("intervals", type_=ARRAY(Text)),
        bindparam("days", type_=ARRAY(Integer)),
        bindparam("moments", type_=ARRAY(DateTime(timezone=True))),
    )
    .table_valued(column("interval", Text), column("day", Integer), column("at", DateTime(timezone=True)), name="schedule")
    .render_derived()
)
_v, _p = vendors.c, payout_plans.c
_INTERVAL = func.coalesce(_v.payout_interval, bindparam("usual_interval", type_=Text))
_DAY = func.coalesce(_v.payout_day, bindparam("usual_day", type_=Integer))
_AGAIN = or_(_p.again_at.is_(None), _p.again_at <= func.now())
_DUE = (
    select(_v.code.label("vendor"), _v.connected_account.label("account"), _v.payout_minimum, _SCHEDULE.c.at)
    .join(_SCHEDULE, (_SCHEDULE.c.interval == _INTERVAL) & (_SCHEDULE.c.day == _DAY))
    .outerjoin(payout_plans, _p.vendor == _v.code)
    .where(_v.connected_account.is_not(None), or_(_p.planned_for.is_(None), _p.planned_for < _SCHEDULE.c.at), _AGAIN)
    .order_by(func.random())
    .limit(bindparam("most"))
)


async def due_vendors(tx: Tx, marketplace: Marketplace, *, limit: int) -> list[DueVendor]:
    """Vendors past a moment of their schedule that nobody has acted on; any of them, so that those in trouble bar nobody's way."""
    intervals, days, moments = zip(*all_due(await store.now(tx)), strict=True)
    usual = {"usual_interval": marketplace.payout_interval, "usual_day": marketplace.payout_day}
    return await tx.all(_DUE, DueVendor, {"intervals": intervals, "days": days, "moments": moments, "most": limit, **usual})


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


_NEW = insert(payout_plans)
_CLAIM = _NEW.on_conflict_do_update(
    index_elements=[_p.vendor],
    set_={"planned_for": _NEW.excluded.planned_for, "again_at": None},
    where=or_(_p.planned_for.is_(None), _p.planned_for < _NEW.excluded.planned_for) & _AGAIN,
)


async def _mine(tx: Tx, vendor: DueVendor) -> bool:
    """Claim the moment: of several workers one gets it, and who dies before its end has not had it."""
    return await tx.execute(_CLAIM, {"vendor": vendor.vendor, "planned_for": vendor.at}) == 1


async def _ready_funds(gateway: PaymentGateway, marketplace: Marketplace, vendor: DueVendor) -> Mapping[str, Funds] | None:
    """What is in the vendor's account; None if it is worth a payout and the account may not send one."""
    funds = await gateway.funds(vendor.account)
    if _worth(marketplace, vendor, funds) and not (await gateway.look_account(vendor.account)).may_pay_out:
        return None
    return funds


def _worth(marketplace: Marketplace, vendor: DueVendor, funds: Mapping[str, Funds]) -> dict[str, int]:
    own = OwnTerms(payout_minimum=vendor.payout_minimum)
    return {currency: there.available for currency, there in sorted(funds.items()) if there.available >= marketplace.minimum(own, currency)}
