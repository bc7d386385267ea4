"""Opens the connected account of every vendor that cannot be paid yet, and keeps fresh what is known of those that exist."""

import structlog

from hub.accounts import look as account
from hub.payments.ports import GatewayRefused, Gateways, InDoubt, NotSent, PaymentGateway
from hub.vendors import accounts
from hub.vendors import store as vendors
from hub.wiring import Wiring

log = structlog.get_logger("accounts")

AT_ONCE = 50
LOOKS_AT_ONCE = 20


async def open_accounts(wiring: Wiring, gateways: Gateways) -> None:
    """Open a few; the vendor's code is the idempotency key, so two workers open one account."""
    gateway = keeper(gateways)
    if gateway is None:
        return
    async with wiring.database.reading() as tx:
        waiting = await vendors.without_connected_account(tx, AT_ONCE)
    for vendor in waiting:
        try:
            opened = await gateway.open_account(f"account.{vendor.code}", vendor=vendor.code, name=vendor.name, country=vendor.country)
        except GatewayRefused as error:
            log.warning("account.refused", vendor=vendor.code, error=repr(error))
            continue  # this vendor's trouble is not the next one's
        except (InDoubt, NotSent) as error:
            log.warning("account.not_opened", vendor=vendor.code, error=repr(error))
            return
        async with wiring.database.tx() as tx:
            await vendors.set_connected_account(tx, vendor.code, opened)
        log.info("account.opened", vendor=vendor.code, account=opened)


async def refresh_accounts(wiring: Wiring, gateways: Gateways) -> None:
    """Look at a few accounts that were never looked at, or too long ago: without any webhook all is known in time."""
    gateway = keeper(gateways)
    if gateway is None:
        return
    async with wiring.database.reading() as tx:
        stale = await accounts.stale(tx, LOOKS_AT_ONCE)
    for each in stale:
        async with wiring.database.reading() as tx:
            asked_at = await tx.now()
        try:
            facts = await account.look(gateway, each)
        except NotSent as error:  # nor would the next be
            log.warning("account.not_looked_at", account=each, error=repr(error))
            return
        except InDoubt as error:
            log.warning("account.not_looked_at", account=each, error=repr(error))
            continue  # what one account does to the provider keeps no other waiting
        async with wiring.database.tx() as tx:
            await account.take_notice(tx, facts, asked_at)


def keeper(gateways: Gateways) -> PaymentGateway | None:
    """The provider that keeps vendors' accounts, if there is one."""
    return next((gateway for gateway in gateways.values() if gateway.abilities.accounts), None)
