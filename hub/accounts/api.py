"""A vendor's account with the payment provider over HTTP: how it stands (the way to put it in order is of the onboarding)."""

from litestar import Controller, Response, get

from hub.runtime.callers import VENDORS
from hub.runtime.database import Tx
from hub.runtime.http import BEARER, Reading, refuses
from hub.vendors import accounts
from hub.vendors.accounts import VendorAccount


class VendorAccountController(Controller):
    """Where a vendor is paid."""

    path = "/v1/vendor"
    tags = ["payouts (vendors)"]  # noqa: RUF012  # litestar's shape
    guards = [VENDORS]  # noqa: RUF012  # litestar's shape
    security = BEARER

    @get("/account", responses=refuses())
    async def account(self, read: Reading) -> Response[VendorAccount]:
        """How your account stands, as the payment provider last told us."""

        async def found(tx: Tx) -> VendorAccount:
            _, account = await accounts.account_of(tx, read.actor.id)
            return account

        return await read(found)
