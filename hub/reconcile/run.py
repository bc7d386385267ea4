"""One reconciliation from its claim to its report, the daily one, and whichever else are due."""

from datetime import UTC, date, datetime, time, timedelta

import msgspec
import structlog
from sqlalchemy import text

from hub.kernel.errors import Invalid
from hub.letters.keep import Given, keep
from hub.payments.ports import Gateways
from hub.reconcile import runs, sum_up
from hub.reconcile.prove_accounts import Proof, prove
from hub.reconcile.read import Beat, read
from hub.reconcile.report import DIFFERENCES_MAX, Balance, Difference, Report, is_equal
from hub.reconcile.runs import Lost, Run
from hub.reconcile.settle import settle
from hub.runtime.database import Database, Tx

log = structlog.get_logger("reconcile")

DAY = timedelta(days=1)
EARLIEST = date(1970, 1, 1)
DAYS_MAX = 3660
TELL_AFTER = 3
"""Attempts after which an operator hears of a run that does not get through."""


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """How long one side may be alone before it is a difference, and how many vendors are proved per daily run.

    `offline_grace_seconds` is for providers that do not answer by themselves: their files come with the bank's days.
    """

    grace_seconds: float = 3600.0
    offline_grace_seconds: float = 604_800.0
    accounts_max: int = 200


def days(since: date, until: date, now: datetime) -> tuple[datetime, datetime]:
    """From the beginning of one day to the end of another, both UTC, but not beyond `now`. Raises `Invalid`."""
    if since < EARLIEST:
        raise Invalid("range_too_early", f"nothing moved before {EARLIEST}", field="/since")
    if until < since:
        raise Invalid("range_backwards", "`until` is before `since`", field="/until")
    if (until - since).days > DAYS_MAX:
        raise Invalid("range_too_long", f"at most {DAYS_MAX} days", field="/since")
    begin = datetime.combine(since, time(), UTC)
    if begin >= now:
        raise Invalid("range_in_future", "nothing has moved there yet", field="/since")
    return begin, now if until >= now.date() else datetime.combine(until, time(), UTC) + DAY


async def ask(tx: Tx, since: date | None, until: date | None) -> Run:
    """A run over these days (both wholly, UTC); yesterday and today for None. Raises `Invalid`."""
    now = await runs.now(tx)
    last = until or now.date()
    first = since or max(min(last, now.date()), EARLIEST + DAY) - DAY
    begin, end = days(first, last, now)
    run_id = await runs.ask(tx, begin, end)
    assert run_id is not None, "only a slot can be taken"
    return await runs.get(tx, run_id)


async def reconcile_daily(database: Database, gateways: Gateways, rules: Rules) -> None:
    """Ask for yesterday's run once it is over and settled, and work on whatever is due; any number of workers may do this."""
    async with database.tx() as tx:
        now = await runs.now(tx)
        today = datetime.combine((now - timedelta(seconds=rules.grace_seconds)).date(), time(), UTC)
        await runs.ask(tx, today - DAY, today, slot=f"daily:{(today - DAY).date()}")
    while True:
        async with database.tx() as tx:
            run = await runs.claim(tx)
        if run is None:
            return
        await perform(database, gateways, rules, run)


async def perform(database: Database, gateways: Gateways, rules: Rules, run: Run) -> Report | None:
    """Do a claimed run; None if it failed (why is kept, and it is tried again) or has become somebody else's."""

    async def beat() -> None:
        async with database.tx() as tx:
            await runs.extend(tx, run)

    try:
        report = await _reconcile(database, gateways, rules, run, beat)
        async with database.tx() as tx:
            await _tell(tx, run, report)
            await runs.finish(tx, run, report)
    except Lost:
        log.warning("reconcile.lost", run=run.id)
        return None
    except Exception as error:  # noqa: BLE001  # whatever it is, the run says so and is tried again
        log.warning("reconcile.failed", run=run.id, error=repr(error), attempt=run.attempts)
        await _failed(database, run, repr(error))
        return None
    log.info("reconcile.done", run=run.id, equal=report.equal, differences=report.differences_total)
    return report


async def _reconcile(database: Database, gateways: Gateways, rules: Rules, run: Run, beat: Beat) -> Report:
    async with database.reading() as tx:
        now = await runs.now(tx)
    proofs: list[Proof] = []
    for gateway in gateways.values():
        old = now - timedelta(seconds=rules.grace_seconds if gateway.abilities.online else rules.offline_grace_seconds)
        await read(database, gateway, since=run.since, until=now, beat=beat)
        await settle(database, gateway.name, old=old, beat=beat)
        if gateway.abilities.accounts:
            limit = rules.accounts_max if run.slot is not None else None
            proofs.append(await prove(database, gateway, limit=limit, old=old, now=now, beat=beat))
    balances: list[Balance] = []
    differences: list[Difference] = [each for proof in proofs for each in proof.differences]
    async with database.reading() as tx:
        await tx.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))  # the figures are of one moment
        for name in gateways:
            balances += await sum_up.balances(tx, name, run.since, run.until)
            differences += await sum_up.differences(tx, name, run.until)
    vendors = [each for proof in proofs for each in proof.balances]
    return Report(
        since=run.since,
        until=run.until,
        made_at=now,
        equal=is_equal(balances, len(differences), vendors),
        balances=balances,
        differences=differences[:DIFFERENCES_MAX],
        differences_total=len(differences),
        vendors_checked=sum(proof.checked for proof in proofs),
        vendor_balances=vendors,
    )


async def _tell(tx: Tx, run: Run, report: Report) -> None:
    """Operators hear of what no suspense holds: figures that nothing accounts for, and vendors' accounts."""
    for each in report.balances:
        if each.unexplained:
            detail = f"{each.unexplained} {each.currency} are accounted for by nothing"
            await _letter(tx, f"{run.id}:{each.currency}", each.gateway, "unexplained", detail, each)
    for each in report.differences:
        if each.vendor is not None:
            await _letter(tx, f"{each.vendor}:{each.movement or each.booking}", each.gateway, each.problem, each.what_to_do, each)
    for each in report.vendor_balances:
        detail = f"{each.vendor}'s account holds {each.theirs} {each.currency}, not {each.ours}"
        await _letter(tx, f"{each.vendor}:{each.currency}:{each.theirs - each.ours}", each.gateway, "vendor_balance", detail, each)


async def _failed(database: Database, run: Run, reason: str) -> None:
    async with database.tx() as tx:
        try:
            await runs.fail(tx, run, reason)
        except Lost:
            return
        if run.attempts >= TELL_AFTER:
            await _letter(tx, run.id, "reconcile", "failed", reason, run)


async def _letter(tx: Tx, identity: str, target: str, reason: str, detail: str, facts: msgspec.Struct) -> None:
    given = Given(
        source="reconcile",
        identity=f"reconcile:{identity}",
        target=target,
        kind="reconcile",
        reason=reason,
        detail=detail,
        headers={},
        payload=msgspec.json.encode(facts).decode(),
    )
    await keep(tx, given)
