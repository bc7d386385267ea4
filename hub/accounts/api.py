"""A vendor's account with the payment provider over HTTP: how it stands, and the way to put it in order."""

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from hub.accounts.onboard import Onboard, Onboarding, OnboardingLink
from hub.runtime.callers import VENDORS
from hub.runtime.database import Database, Tx
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

    @post("/onboarding", status_code=200, responses=refuses(409, 413, 415))
    async def onboarding(
        self, data: JSONBody[Onboard], read: Reading, database: NamedDependency[Database], onboarding: NamedDependency[Onboarding]
    ) -> OnboardingLink:
        """A link at which you tell the payment provider who you are; nothing is kept, so each asking makes a new one."""
        async with database.reading() as tx:
            account, _ = await accounts.account_of(tx, read.actor.id)
        return await onboarding.link(account, data)
