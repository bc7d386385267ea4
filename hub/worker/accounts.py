"""Opens the connected account of every vendor that cannot be paid yet."""

import structlog

from hub.payments.ports import GatewayRefused, InDoubt, NotSent, PaymentGateway
from hub.vendors import store as vendors
from hub.wiring import Wiring

log = structlog.get_logger("accounts")

AT_ONCE = 50


async def open_accounts(wiring: Wiring, gateway: PaymentGateway) -> None:
    """Open a few; the vendor's code is the idempotency key, so two workers open one account."""
    async with wiring.database.reading() as tx:
        waiting = await vendors.without_connected_account(tx, AT_ONCE)
    for vendor in waiting:
        try:
            account = await gateway.open_account(f"account.{vendor.code}", vendor=vendor.code, name=vendor.name, country=vendor.country)
        except GatewayRefused as error:
            log.warning("account.refused", vendor=vendor.code, error=repr(error))
            continue  # this vendor's trouble is not the next one's
        except (InDoubt, NotSent) as error:
            log.warning("account.not_opened", vendor=vendor.code, error=repr(error))
            return
        async with wiring.database.tx() as tx:
            await vendors.set_connected_account(tx, vendor.code, account)
        log.info("account.opened", vendor=vendor.code, account=account)
