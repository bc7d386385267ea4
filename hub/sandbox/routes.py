"""Every simulated endpoint in one table: method and path, the form it takes, the function that answers."""

import re
from collections.abc import Callable
from typing import Any

import msgspec

from hub.sandbox import accounts, balance, charges, events, payment_intents, payouts, refunds, reversals, transfers
from hub.sandbox.answers import Json, unknown_route
from hub.sandbox.call import Call
from hub.sandbox.captures import Capture, capture
from hub.sandbox.forms import Params
from hub.sandbox.lists import ListParams, PageParams

Handler = Callable[[Call, Any], Json]


class Route(msgspec.Struct, frozen=True):
    """One endpoint. ``{}`` in `path` stands for an id."""

    method: str
    path: str
    shape: type[Params]
    handle: Handler


ROUTES = [
    Route("GET", "/v1/accounts", ListParams, accounts.find),
    Route("POST", "/v1/accounts", accounts.Create, accounts.create),
    Route("GET", "/v1/accounts/{}", Params, accounts.get),
    Route("POST", "/v1/accounts/{}", accounts.Update, accounts.update),
    Route("GET", "/v1/accounts/{}/capabilities/{}", Params, accounts.capability),
    Route("POST", "/v1/accounts/{}/capabilities/{}", accounts.Capability, accounts.request),
    Route("POST", "/v1/account_links", accounts.Link, accounts.link),
    Route("GET", "/v1/payment_intents", payment_intents.IntentList, payment_intents.find),
    Route("POST", "/v1/payment_intents", payment_intents.Create, payment_intents.create),
    Route("GET", "/v1/payment_intents/search", payment_intents.Search, payment_intents.search),
    Route("GET", "/v1/payment_intents/{}", Params, payment_intents.get),
    Route("POST", "/v1/payment_intents/{}/confirm", payment_intents.Confirm, payment_intents.confirm),
    Route("POST", "/v1/payment_intents/{}/capture", Capture, capture),
    Route("POST", "/v1/payment_intents/{}/cancel", payment_intents.Cancel, payment_intents.cancel),
    Route("GET", "/v1/charges", charges.ChargeList, charges.find),
    Route("GET", "/v1/charges/{}", Params, charges.get),
    Route("GET", "/v1/refunds", refunds.RefundList, refunds.find),
    Route("POST", "/v1/refunds", refunds.Create, refunds.create),
    Route("GET", "/v1/refunds/{}", Params, refunds.get),
    Route("GET", "/v1/transfers", transfers.TransferList, transfers.find),
    Route("POST", "/v1/transfers", transfers.Create, transfers.create),
    Route("GET", "/v1/transfers/{}", Params, transfers.get),
    Route("GET", "/v1/transfers/{}/reversals", PageParams, reversals.find),
    Route("POST", "/v1/transfers/{}/reversals", reversals.Create, reversals.create),
    Route("GET", "/v1/transfers/{}/reversals/{}", Params, reversals.get),
    Route("GET", "/v1/balance", balance.BalanceParams, balance.balance),
    Route("GET", "/v1/balance_transactions", balance.BalanceTransactionList, balance.transactions),
    Route("GET", "/v1/balance_transactions/{}", Params, balance.transaction),
    Route("GET", "/v1/payouts", payouts.PayoutList, payouts.find),
    Route("POST", "/v1/payouts", payouts.Create, payouts.create),
    Route("GET", "/v1/payouts/{}", Params, payouts.get),
    Route("GET", "/v1/events", events.EventList, events.find),
    Route("GET", "/v1/events/{}", Params, events.get),
]
_COMPILED = [(route, re.compile("^" + route.path.replace("{}", "([A-Za-z0-9_]+)") + "$")) for route in ROUTES]


def route_of(method: str, path: str) -> tuple[Route, tuple[str, ...]]:
    """The endpoint and the ids in its path. Raises `Problem` 404 where nothing is simulated."""
    for route, pattern in _COMPILED:
        if route.method == method and (match := pattern.match(path)):
            return route, match.groups()
    raise unknown_route(method, path)
