"""Reconciliation where the providers are at hand: the worker's daily one, and that of `hub reconcile`."""

import sys
from datetime import date

import msgspec
from rich.console import Console

from hub.kernel.errors import Invalid
from hub.payments.ports import Gateways
from hub.reconcile import run, runs
from hub.reconcile.run import Rules
from hub.reconcile.show import show
from hub.runtime import logs
from hub.runtime.database import Actor
from hub.sections import Settings
from hub.wiring import Wiring, gateways, wire

OPERATOR = Actor("operator", "command")
EQUAL, DIFFERENT = 0, 1


def rules(settings: Settings) -> Rules:
    """When a difference is one, and how many vendors are proved per day."""
    r = settings.reconcile
    return Rules(grace_seconds=r.grace_seconds, offline_grace_seconds=r.bank_grace_seconds, accounts_max=r.accounts_max)


async def reconcile_daily(wiring: Wiring, providers: Gateways) -> None:
    """Do yesterday's reconciliation, once over all workers, and any that an operator has asked for or that had failed."""
    await run.reconcile_daily(wiring.database, providers, rules(wiring.settings))


async def reconcile(settings: Settings, since: date | None, until: date | None, *, as_json: bool) -> int:
    """Reconcile these days now and print the report; 1 if anything differs or a provider could not be asked."""
    logs.set_up(level=settings.log.level, fmt=settings.log.format, process="reconcile")
    wiring = wire(settings, "hub-reconcile")
    providers = gateways(wiring)
    try:
        return await _now(wiring, providers, since, until, as_json=as_json)
    finally:
        for provider in providers.values():
            await provider.close()
        await wiring.close()


async def _now(wiring: Wiring, providers: Gateways, since: date | None, until: date | None, *, as_json: bool) -> int:
    async with wiring.database.tx(OPERATOR) as tx:
        try:
            asked = await run.ask(tx, since, until)
        except Invalid as wrong:
            print(f"hub reconcile: {wrong.detail}", file=sys.stderr)  # noqa: T201  # a command speaks to its caller
            return DIFFERENT
        claimed = await runs.claim(tx, asked.id)
    report = None if claimed is None else await run.perform(wiring.database, providers, rules(wiring.settings), claimed)
    if report is None:
        async with wiring.database.reading() as tx:
            failed = await runs.get(tx, asked.id)
        print(f"hub reconcile: {asked.id} {failed.standing}: {failed.reason}; a worker tries it again", file=sys.stderr)  # noqa: T201  # as above
        return DIFFERENT
    if as_json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(report)).decode() + "\n")
    else:
        show(report, Console())
    return EQUAL if report.equal else DIFFERENT
