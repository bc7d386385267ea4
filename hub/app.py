"""The HTTP API of one process, put together."""

import asyncio
import signal
import tomllib
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn
from litestar import Litestar
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme
from litestar.routes import HTTPRoute
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from hub.accounts.onboard import Onboarding
from hub.cart.ask_price import Ask
from hub.cart.open_cart import Open
from hub.cart.rules import CartRules
from hub.checkout.api import Waiting
from hub.checkout.placing import Place
from hub.kernel.errors import Refusal
from hub.ops.fence import Fence
from hub.payouts.desk import PayoutDesk
from hub.pricing.promotions import promotions_from
from hub.pricing.tax import rates_from
from hub.routes import CONTROLLERS
from hub.runtime import bodies, copies, garbage, logs, problems
from hub.runtime.api_page import ApiPage
from hub.runtime.callers import Callers
from hub.runtime.edge import Edge, Rates
from hub.runtime.http import DEPENDENCIES
from hub.runtime.openapi import StrictStructs
from hub.runtime.together import Together
from hub.runtime.traffic import Traffic
from hub.search.window import ShopWindow
from hub.sections import Settings
from hub.settings import CONFIG, read_rules
from hub.triage.api import Grace
from hub.wiring import (
    Wiring,
    bank_account,
    limits,
    marketplace,
    offered,
    onboarding,
    payout_desk,
    requirements,
    watch,
    webhook_endpoints,
    wire,
)

SHUTDOWN_SECONDS = 10


def create_app(wiring: Wiring) -> Litestar:
    """The application; `wiring` is opened and closed by the caller."""
    callers = Callers(wiring.database)
    at_provider = onboarding(wiring.settings)
    desk = payout_desk(wiring)
    traffic = Traffic(wiring.settings.http.under_way_max)
    app = Litestar(
        route_handlers=CONTROLLERS,
        dependencies={**DEPENDENCIES, **_provided(wiring, at_provider, desk, traffic)},
        on_shutdown=[at_provider.close, desk.close],
        exception_handlers={
            Refusal: problems.on_refusal,
            HTTPException: problems.on_http,
            DBAPIError: problems.on_database,
            PoolTimeoutError: problems.on_database,
            OSError: problems.on_database,
            Exception: problems.on_anything,
        },
        before_request=bodies.check,
        after_exception=[Fence(wiring.database)],
        stores={copies.STORE: copies.Copies(wiring.settings.http.copy_seconds)},
        response_cache_config=copies.config(),
        request_max_body_size=wiring.settings.http.body_bytes_max,
        openapi_config=_openapi(),
        plugins=[StrictStructs()],
        logging_config=None,
    )
    _resolve_in_turn(app)
    app.state.database = wiring.database
    app.state.callers = callers
    app.state.traffic = traffic
    app.asgi_handler = Edge(app.asgi_handler, callers, _rates(wiring.settings), traffic)
    return app


async def serve(settings: Settings) -> None:
    """Answer requests until told to stop (SIGINT, SIGTERM); what is running is finished first."""
    logs.set_up(level=settings.log.level, fmt=settings.log.format, process="api")
    wiring = wire(settings, "hub-api")
    async with running(wiring):
        app = create_app(wiring)
        config = uvicorn.Config(
            app,
            host=settings.http.host,
            port=settings.http.port,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
            server_header=False,
        )
        garbage.keep_what_is_here()
        await _Server(config, app.state.traffic, settings.http.drain_seconds).serve()


class _Server(uvicorn.Server):
    """Ends by returning: uvicorn's own would raise the signal again, and what is open would not be closed.

    It says first that it is not ready and goes on answering for a while, so that nobody is on the way to it when it closes.
    """

    def __init__(self, config: uvicorn.Config, traffic: Traffic, drain_seconds: float) -> None:
        super().__init__(config)
        self._traffic = traffic
        self._drain_seconds = drain_seconds

    def _drain(self, number: int) -> None:
        if self._traffic.draining:  # told twice: at once
            self.handle_exit(number, None)
            return
        self._traffic.draining = True
        asyncio.get_running_loop().call_later(self._drain_seconds, self.handle_exit, number, None)

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._drain, number)
        yield


@asynccontextmanager
async def running(wiring: Wiring) -> AsyncGenerator[Wiring]:
    """Keep the bus connected while the block runs; close everything after it."""
    await wiring.bus.start()
    try:
        yield wiring
    finally:
        await wiring.close()


def cart_rules(settings: Settings) -> CartRules:
    """The rules of carts, from the settings, `config/tax.toml` and the promotions."""
    o = settings.orders
    rates = rates_from(tomllib.loads((CONFIG / "tax.toml").read_text()))
    return CartRules(
        currency=o.currency,
        lines_max=o.lines_max,
        quantity_max=o.quantity_max,
        quote_seconds=o.quote_ttl_seconds,
        rates=rates,
        watch=watch(settings),
        promotions=read_rules(o.promotions_file, "promotions.toml", promotions_from),
    )


def _rates(settings: Settings) -> Rates:
    h = settings.http
    return Rates(anonymous=h.anonymous_per_minute, customer=h.buyer_per_minute, vendor=h.vendor_per_minute, operator=h.operator_per_minute)


def _provided(wiring: Wiring, at_provider: Onboarding, desk: PayoutDesk, traffic: Traffic) -> dict[str, Provide]:
    rules = cart_rules(wiring.settings)
    values: dict[str, Any] = {
        "database": wiring.database,
        "traffic": traffic,
        "bus": wiring.bus,
        "changes": wiring.changes,
        "timing": wiring.timing,
        "our_promises": wiring.timing.promises,
        "watch": wiring.timing.watch,
        "return_rules": wiring.timing.returns,
        "marketplace": marketplace(wiring.settings),
        "limits": limits(wiring.settings),
        "endpoints": webhook_endpoints(wiring.settings),
        "onboarding": at_provider,
        "requirements": requirements(wiring.settings),
        "bank_account": bank_account(wiring.settings),
        "offered": offered(wiring.settings),
        "desk": desk,
        "grace": Grace(wiring.settings.triage.grace_seconds),
        "cart_rules": rules,
        "opening": Together(wiring.database, Open(rules)),
        "asking": Together(wiring.database, Ask(rules)),
        "placing": Together(wiring.database, Place(wiring.timing)),
        "window": ShopWindow(wiring.database, wiring.timing.watch),
        "waiting": Waiting(wiring.database, wiring.changes, wiring.settings.http.wait_seconds_max),
    }
    return {name: Provide(_always(value), sync_to_thread=False) for name, value in values.items()}


def _always(value: Any) -> Any:
    def provide() -> Any:
        return value

    return provide


def _resolve_in_turn(app: Litestar) -> None:
    """The framework starts a task for each dependency of a handler; ours are there already, or read a header at most."""
    for route in app.routes:
        for _, model in route.route_handler_map.values() if isinstance(route, HTTPRoute) else ():
            model.dependency_batches = [{each} for batch in model.dependency_batches for each in sorted(batch, key=lambda one: one.key)]


def _openapi() -> OpenAPIConfig:
    scheme = SecurityScheme(type="http", scheme="bearer", description="an API key of a customer, a vendor or an operator")
    return OpenAPIConfig(
        title="Wheelwright",
        version="1",
        description="One order over many vendors, routed, split, paid, shipped and paid out.",
        components=Components(security_schemes={"bearer": scheme}),
        use_handler_docstrings=True,
        render_plugins=[ApiPage()],  # the framework's own load their scripts from afar
    )
