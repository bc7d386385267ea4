"""Which request is answered by what, and every no as a problem."""

import hmac
import logging
import re
import secrets
from collections.abc import Callable

import msgspec

from vendor_sdk.emulator.emulator import Emulator
from vendor_sdk.emulator.http import books, control, offers, orders, page, returns, webhooks
from vendor_sdk.emulator.http.request import Answer, Call, Request
from vendor_sdk.emulator.refusals import MEDIA_TYPE, NotAllowed, NotAuthenticated, NotFound, Refusal

log = logging.getLogger(__name__)

Handler = Callable[[Call], Answer]
VENDOR, CONTROL = "/v1/vendor", "/_emulator"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

ROUTES: dict[str, Handler] = {
    f"GET {VENDOR}/orders": orders.browse,
    f"GET {VENDOR}/orders/*": orders.one,
    f"POST {VENDOR}/orders/*/accept": orders.accept,
    f"POST {VENDOR}/orders/*/decline": orders.decline,
    f"POST {VENDOR}/orders/*/shipments": orders.ship,
    f"POST {VENDOR}/orders/*/delivery": orders.deliver,
    f"POST {VENDOR}/orders/*/recall": orders.recall,
    f"POST {VENDOR}/orders/*/refunds": orders.give_back,
    f"GET {VENDOR}/orders/*/ledger": books.of_order,
    f"GET {VENDOR}/returns": returns.browse,
    f"GET {VENDOR}/returns/*": returns.one,
    f"POST {VENDOR}/returns/*/authorize": returns.authorize,
    f"POST {VENDOR}/returns/*/refuse": returns.refuse,
    f"POST {VENDOR}/returns/*/receive": returns.receive,
    f"GET {VENDOR}/refunds": books.refunds,
    f"GET {VENDOR}/offers": offers.browse,
    f"POST {VENDOR}/offers": offers.put_many,
    f"GET {VENDOR}/offers/*": offers.one,
    f"PUT {VENDOR}/offers/*": offers.put_one,
    f"PUT {VENDOR}/offers/*/stock": offers.count,
    f"GET {VENDOR}/balance": books.balance,
    f"GET {VENDOR}/statements": books.statement,
    f"GET {VENDOR}/payouts": books.payouts,
    f"POST {VENDOR}/payouts": books.ask,
    f"GET {VENDOR}/payouts/*": books.payout,
    f"POST {VENDOR}/webhook-endpoints": webhooks.register,
    f"GET {VENDOR}/webhook-endpoints": webhooks.browse,
    f"GET {VENDOR}/webhook-endpoints/*": webhooks.one,
    f"PATCH {VENDOR}/webhook-endpoints/*": webhooks.change,
    f"DELETE {VENDOR}/webhook-endpoints/*": webhooks.remove,
    f"POST {VENDOR}/webhook-endpoints/*/test": webhooks.test,
    f"GET {VENDOR}/webhook-deliveries": webhooks.deliveries,
    f"GET {VENDOR}/webhook-deliveries/*": webhooks.delivery,
    f"POST {VENDOR}/webhook-deliveries/*/replay": webhooks.replay,
    f"GET {CONTROL}": page.page,
    f"GET {CONTROL}/state": control.state,
    f"POST {CONTROL}/orders": control.place,
    f"POST {CONTROL}/orders/*/cancel": control.cancel,
    f"POST {CONTROL}/orders/*/return": returns.ask_for,
    f"POST {CONTROL}/returns/*/shipment": returns.send_back,
    f"POST {CONTROL}/returns/*/cancel": returns.cancel,
    f"POST {CONTROL}/clock": control.clock,
}
"""A star stands for one part of the path."""
_SPLIT = [(*key.split(" "), handler) for key, handler in ROUTES.items()]
_FOUND = [(method, re.compile(path.replace("*", "([^/]+)")), handler) for method, path, handler in _SPLIT]


def answer(emulator: Emulator, request: Request) -> Answer:
    """The answer to a request, whatever it is."""
    asked = request.headers.get("x-request-id", "")
    request_id = asked if _REQUEST_ID.fullmatch(asked) else secrets.token_hex(8)
    try:
        found = _answer(emulator, request)
    except Refusal as no:
        found = refusal(no, request_id)
    except Exception:
        log.exception("%s %s", request.method, request.path)
        found = refusal(Refusal("internal_error", "something went wrong in the emulator"), request_id)
    return msgspec.structs.replace(found, headers={**found.headers, "x-request-id": request_id})


def refusal(no: Refusal, request_id: str = "") -> Answer:
    """A refusal as it is answered."""
    problem = no.problem(request_id)
    headers = {"content-type": MEDIA_TYPE}
    if isinstance(no, NotAuthenticated):
        headers["www-authenticate"] = "Bearer"
    return Answer(status=problem.status, body=msgspec.json.encode(problem), headers=headers)


def _answer(emulator: Emulator, request: Request) -> Answer:
    matching = [(method, found, handler) for method, path, handler in _FOUND if (found := path.fullmatch(request.path))]
    if not matching:
        raise NotFound("not_found", "Not Found")
    for method, found, handler in matching:
        if method == request.method:
            if request.path.startswith(VENDOR):
                _check_key(emulator, request)
            return handler(Call(emulator, request, list(found.groups())))
    raise NotAllowed("method_not_allowed", "Method Not Allowed")


def _check_key(emulator: Emulator, request: Request) -> None:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(key.strip().encode(), emulator.book.api_key.encode()):
        raise NotAuthenticated("not_authenticated", "the vendor's key is expected: Authorization: Bearer wk_vendor_…")
