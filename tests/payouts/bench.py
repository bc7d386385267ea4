"""A database, a sandbox and the API of payouts, with a worker that does one step at a time and may die between any two lines."""

import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from litestar import Litestar
from litestar.di import Provide
from litestar.exceptions import HTTPException

from hub.adjustments.api import AdjustmentController, VendorAdjustmentController
from hub.gateways.stripe.gateway import StripeGateway
from hub.gateways.stripe.wire import InProcess
from hub.kernel.errors import Refusal
from hub.kernel.money import Money
from hub.payments.facts import PayoutFacts
from hub.payments.ports import GatewayRefused, Gateways, InDoubt, NotSent
from hub.payouts import send as payout
from hub.payouts.api import PayoutController, VendorPayoutController
from hub.payouts.desk import PayoutDesk
from hub.payouts.plan import plan_payouts
from hub.runtime import auth, bodies, problems, steps, story
from hub.runtime.callers import Callers
from hub.runtime.database import Actor, Database
from hub.runtime.edge import Edge, Rates
from hub.runtime.http import DEPENDENCIES
from hub.runtime.openapi import StrictStructs
from hub.runtime.put_off import retry_in
from hub.runtime.steps import Outcome, Step
from hub.runtime.story import Moment
from hub.sandbox.app import SECRET, create_sandbox
from hub.sandbox.store import PLATFORM
from hub.vendors import store as vendors
from hub.vendors.admit import admit
from hub.vendors.model import NewVendor, ShippingOption
from hub.vendors.money_terms import Marketplace
from hub.vendors.terms_api import TermsController, VendorTermsController
from tests.sandbox.controls import turn
from tests.sandbox.watched import Watched

MARKETPLACE = Marketplace(
    hold_seconds=1_209_600,
    reserve_bps=0,
    reserve_seconds=7_776_000,
    payout_interval="daily",
    payout_day=1,
    payout_minimum=1_000,
    bears_disputes=True,
    currency="EUR",
    vendor_pays_dispute_fee=False,
)
CONTROLLERS = [
    AdjustmentController,
    PayoutController,
    TermsController,
    VendorAdjustmentController,
    VendorPayoutController,
    VendorTermsController,
]
DAYS_3 = 3 * 86_400


class Bench:
    """What the tests of this folder work at: vendors acme and bolt, an operator olga."""

    def __init__(self, database: Database, watched: Watched, keys: dict[str, str]) -> None:
        self.database = database
        self.watched = watched
        self.keys = keys
        self.gateway = self.connect()
        self.gateways: Gateways = {"stripe": self.gateway}
        self.desk = PayoutDesk(database, lambda: {"stripe": self.connect()}, MARKETPLACE)
        self.http: httpx.AsyncClient
        self.accounts: dict[str, str] = {}
        self._funded = 0

    def connect(self, timeout: float = 5.0) -> StripeGateway:
        return StripeGateway(
            SECRET, base_url="http://sandbox", timeout=timeout, rate_per_second=None, wire=InProcess(self.watched, timeout)
        )

    async def __call__(self, who: str, method: str, path: str, json: Any = None, **headers: str) -> httpx.Response:
        sent = {"Authorization": f"Bearer {self.keys[who]}", **{name.replace("_", "-"): value for name, value in headers.items()}}
        return await self.http.request(method, path, json=json, headers=sent)

    async def ok(self, who: str, method: str, path: str, json: Any = None, **headers: str) -> Any:
        answer = await self(who, method, path, json, **headers)
        assert answer.status_code in {200, 201}, answer.text
        return answer.json()

    async def turn(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        return await turn(self.watched, path, body)

    async def account(self, vendor: str = "acme", *, onboard: bool = True) -> str:
        """The vendor's account at the provider, made and noted."""
        account = await self.gateway.open_account(f"account.{vendor}", vendor=vendor, name=vendor.title(), country="DE")
        if onboard:
            await self.turn(f"accounts/{account}/onboard")
        async with self.database.tx() as tx:
            await vendors.set_connected_account(tx, vendor, account)
        self.accounts[vendor] = account
        return account

    async def rich(self, amount: int = 50_000) -> None:
        """Money in our own account, available."""
        await self.account("bolt")
        await self.fund(amount, "bolt")
        [sent] = self.watched.sandbox.store.find("transfer", PLATFORM, [])
        await self.gateway.reverse("back", transfer=sent["id"], amount=amount, order_id="ord_1")

    async def fund(self, amount: int, vendor: str = "acme", *, settled: bool = True, currency: str = "EUR") -> None:
        """Money in the vendor's account; not available yet unless `settled`."""
        self._funded += 1
        number, order = self._funded, f"ord_{self._funded}"
        paid = await self.gateway.open_payment(
            f"open{number}", order_id=order, amount=amount, currency=currency, payment_method="pm_card_visa"
        )
        await self.gateway.authorize(f"authorize{number}", paid.reference)
        captured = await self.gateway.capture(f"capture{number}", paid.reference, amount)
        await self.transfer(amount, vendor, charge=captured.charge, currency=currency)
        if settled:
            await self.turn("advance", {"seconds": DAYS_3})

    async def transfer(self, amount: int, vendor: str = "acme", *, charge: str | None = None, currency: str = "EUR") -> None:
        """Of a charge, whose money may not be available yet, or of our balance."""
        self._funded += 1
        key = f"transfer{self._funded}"
        await self.gateway.transfer(key, charge=charge, account=self.accounts[vendor], amount=amount, currency=currency, order_id=key)

    async def plan(self) -> int:
        return await plan_payouts(self.database, self.gateways, MARKETPLACE)

    async def claim(self) -> list[Step]:
        async with self.database.tx() as tx:
            return await steps.claim(tx, per_target=32, sending=False)

    async def perform(self, step: Step, gateways: Gateways | None = None) -> Outcome | None:
        """None: again, with the same key."""
        try:
            return await payout.PERFORM[step.kind](self.database, gateways or self.gateways, step)
        except GatewayRefused as no:
            return Outcome.refused(no.code, no.message)
        except (InDoubt, NotSent):
            async with self.database.tx() as tx:
                await retry_in(tx, step.id, 0)
            return None

    async def conclude(self, step: Step, outcome: Outcome) -> None:
        async with self.database.tx() as tx:
            if await steps.end(tx, step.id, outcome):
                await payout.CONCLUDE[step.kind](tx, step, outcome)

    async def work(self) -> None:
        """All that is due, done."""
        for step in await self.claim():
            outcome = await self.perform(step)
            if outcome is not None:
                await self.conclude(step, outcome)

    async def again(self) -> None:
        """The leases of all open steps end now."""
        async with self.database.tx() as tx:
            for shown in await self.payouts():
                for step in await steps.of_saga(tx, shown["id"]):
                    await retry_in(tx, step.id, 0)

    async def payouts(self, who: str = "acme") -> list[dict[str, Any]]:
        return (await self.ok(who, "GET", "/v1/vendor/payouts"))["data"]

    async def look(self, reference: str, vendor: str = "acme") -> PayoutFacts:
        return await self.gateway.look_payout(reference, account=self.accounts[vendor])

    async def notice(self, facts: PayoutFacts) -> bool:
        async with self.database.tx() as tx:
            return await payout.take_notice(tx, facts)

    async def moments(self, saga_id: str) -> list[Moment]:
        async with self.database.reading() as tx:
            return await story.of_saga(tx, saga_id)

    async def told(self, saga_id: str) -> list[str]:
        return [moment.event for moment in await self.moments(saga_id)]

    def at_provider(self, vendor: str = "acme") -> list[dict[str, Any]]:
        """Every payout the sandbox has made from the vendor's account."""
        return self.watched.sandbox.store.find("payout", self.accounts[vendor], [])


@asynccontextmanager
async def bench(url: str) -> AsyncGenerator[Bench]:
    database, watched = Database(url, pool_size=8), Watched(create_sandbox(clock=lambda: time.time() - DAYS_3))
    async with database.tx() as tx:
        keys = {"olga": await auth.issue(tx, Actor("operator", "olga"))}
        for code in ("acme", "bolt"):
            standard = ShippingOption(code="standard", name="Standard", price=Money(amount=490, currency="EUR"), days=3)
            admitted = await admit(tx, NewVendor(code=code, name=code.title(), country="DE", shipping_options=[standard]))
            keys[code] = admitted.api_key or ""
    made = Bench(database, watched, keys)
    provided: dict[str, Any] = {"database": database, "desk": made.desk, "marketplace": MARKETPLACE}
    app = Litestar(
        route_handlers=CONTROLLERS,
        dependencies={**DEPENDENCIES, **{name: Provide(_always(value), sync_to_thread=False) for name, value in provided.items()}},
        exception_handlers={Refusal: problems.on_refusal, HTTPException: problems.on_http, Exception: problems.on_anything},
        before_request=bodies.check,
        plugins=[StrictStructs()],
        logging_config=None,
    )
    app.state.database, app.state.callers = database, Callers(database)
    app.asgi_handler = Edge(app.asgi_handler, app.state.callers, Rates(anonymous=10**6, customer=10**6, vendor=10**6, operator=10**6))
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)  # pyright: ignore[reportArgumentType]  # litestar's own ASGI types
    async with httpx.AsyncClient(transport=transport, base_url="http://hub") as made.http:
        yield made
    assert not watched.violations, "\n".join(watched.violations)
    await made.desk.close()
    await made.gateway.close()
    watched.sandbox.close()
    await database.close()


def _always(value: Any) -> Any:
    def provide() -> Any:
        return value

    return provide
