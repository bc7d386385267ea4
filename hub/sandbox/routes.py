"""Every simulated endpoint in one table: method and path, the form it takes, the function that answers."""

import re
from collections.abc import Callable
from typing import Any

import msgspec

from hub.sandbox import (
    accounts,
    balance,
    charges,
    confirmations,
    customers,
    disputes,
    events,
    payment_intents,
    payment_methods,
    payouts,
    refunds,
    restrictions,
    reversals,
    setup_intents,
    transfers,
    webhook_endpoints,
)
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
    Route("DELETE", "/v1/accounts/{}", Params, restrictions.close),
    Route("POST", "/v1/accounts/{}/reject", restrictions.Reject, restrictions.reject),
    Route("GET", "/v1/accounts/{}/capabilities/{}", Params, accounts.capability),
    Route("POST", "/v1/accounts/{}/capabilities/{}", accounts.Capability, accounts.request),
    Route("POST", "/v1/account_links", accounts.Link, accounts.link),
    Route("GET", "/v1/customers", customers.CustomerList, customers.find),
    Route("POST", "/v1/customers", customers.Create, customers.create),
    Route("GET", "/v1/customers/{}", Params, customers.get),
    Route("POST", "/v1/customers/{}", customers.Update, customers.update),
    Route("GET", "/v1/customers/{}/payment_methods", payment_methods.OfCustomer, payment_methods.of_customer),
    Route("GET", "/v1/payment_methods", payment_methods.MethodList, payment_methods.find),
    Route("GET", "/v1/payment_methods/{}", Params, payment_methods.get),
    Route("POST", "/v1/payment_methods/{}/attach", payment_methods.Attach, payment_methods.attach),
    Route("POST", "/v1/payment_methods/{}/detach", Params, payment_methods.detach),
    Route("GET", "/v1/setup_intents", setup_intents.SetupList, setup_intents.find),
    Route("POST", "/v1/setup_intents", setup_intents.Create, setup_intents.create),
    Route("GET", "/v1/setup_intents/{}", Params, setup_intents.get),
    Route("POST", "/v1/setup_intents/{}/confirm", setup_intents.Confirm, setup_intents.confirm),
    Route("POST", "/v1/setup_intents/{}/cancel", setup_intents.Cancel, setup_intents.cancel),
    Route("GET", "/v1/payment_intents", payment_intents.IntentList, payment_intents.find),
    Route("POST", "/v1/payment_intents", payment_intents.Create, payment_intents.create),
    Route("GET", "/v1/payment_intents/search", payment_intents.Search, payment_intents.search),
    Route("GET", "/v1/payment_intents/{}", Params, payment_intents.get),
    Route("POST", "/v1/payment_intents/{}/confirm", confirmations.Confirm, confirmations.confirm),
    Route("POST", "/v1/payment_intents/{}/capture", Capture, capture),
    Route("POST", "/v1/payment_intents/{}/cancel", payment_intents.Cancel, payment_intents.cancel),
    Route("GET", "/v1/charges", charges.ChargeList, charges.find),
    Route("GET", "/v1/charges/{}", Params, charges.get),
    Route("GET", "/v1/refunds", refunds.RefundList, refunds.find),
    Route("POST", "/v1/refunds", refunds.Create, refunds.create),
    Route("GET", "/v1/refunds/{}", Params, refunds.get),
    Route("POST", "/v1/refunds/{}", refunds.Update, refunds.update),
    Route("POST", "/v1/refunds/{}/cancel", Params, refunds.cancel),
    Route("GET", "/v1/disputes", disputes.DisputeList, disputes.find),
    Route("GET", "/v1/disputes/{}", Params, disputes.get),
    Route("POST", "/v1/disputes/{}", disputes.Update, disputes.update),
    Route("POST", "/v1/disputes/{}/close", Params, disputes.close),
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
    Route("POST", "/v1/payouts/{}/cancel", Params, payouts.cancel),
    Route("POST", "/v1/payouts/{}/reverse", payouts.Reverse, payouts.reverse),
    Route("GET", "/v1/webhook_endpoints", PageParams, webhook_endpoints.find),
    Route("POST", "/v1/webhook_endpoints", webhook_endpoints.Create, webhook_endpoints.create),
    Route("GET", "/v1/webhook_endpoints/{}", Params, webhook_endpoints.get),
    Route("POST", "/v1/webhook_endpoints/{}", webhook_endpoints.Update, webhook_endpoints.update),
    Route("DELETE", "/v1/webhook_endpoints/{}", Params, webhook_endpoints.delete),
    Route("GET", "/v1/events", events.EventList, events.find),
    Route("GET", "/v1/events/{}", Params, events.get),
]
_COMPILED: dict[tuple[str, str], list[tuple[Route, re.Pattern[str]]]] = {}
for _route in ROUTES:
    _pattern = re.compile("^" + _route.path.replace("{}", "([A-Za-z0-9_]+)") + "$")
    _COMPILED.setdefault((_route.method, _route.path.split("/")[2]), []).append((_route, _pattern))


def route_of(method: str, path: str) -> tuple[Route, tuple[str, ...]]:
    """The endpoint and the ids in its path. Raises `Problem` 404 where nothing is simulated."""
    resource = path.removeprefix("/v1/").split("/", 1)[0]
    for route, pattern in _COMPILED.get((method, resource), []):
        if match := pattern.match(path):
            return route, match.groups()
    raise unknown_route(method, path)
