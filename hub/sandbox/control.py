"""What Stripe has not: the sandbox's own switches under ``/_sandbox``, for tests and demonstrations."""

import msgspec

from hub.sandbox import accounts, payment_intents
from hub.sandbox.answers import Json, invalid, unknown_route
from hub.sandbox.call import Call
from hub.sandbox.faults import Fault, Faults
from hub.sandbox.routes import ROUTES
from hub.sandbox.store import Store

ROOT = "/_sandbox"
OFFSET = "clock_offset"
ABOUT = (
    "This is a SIMULATED Stripe. No card is charged, no bank is reached, no money moves. Fees (2.9 % + 25 minor units), settlement after "
    "two days and every decline are simulated. It does not claim currency conversion, real price lists, risk checks or exact error texts."
)


class Advance(msgspec.Struct, forbid_unknown_fields=True):
    """Move the sandbox's clock."""

    seconds: int


def about(now: int) -> Json:
    """What this is, in plain words."""
    return {
        "simulated": True,
        "about": ABOUT,
        "now": now,
        "endpoints": [f"{route.method} {route.path}" for route in ROUTES],
        "switches": [
            f'POST {ROOT}/faults {{"match": "POST /v1/transfers", "mode": "hang_after", "times": 1}}',
            f"GET {ROOT}/faults",
            f"DELETE {ROOT}/faults",
            f'POST {ROOT}/advance {{"seconds": 86400}}',
            f"POST {ROOT}/accounts/{{id}}/onboard",
            f"POST {ROOT}/payment_intents/{{id}}/authenticate|fail",
        ],
    }


def switch(method: str, path: str, body: bytes, call: Call, faults: Faults) -> Json:
    """Turn one of the switches. Raises `Problem`."""
    parts = path.removeprefix(ROOT).strip("/").split("/")
    try:
        match [method, *parts]:
            case ["POST", "faults"]:
                faults.all.append(msgspec.json.decode(body, type=Fault))
                return {"faults": msgspec.to_builtins(faults.all)}
            case ["GET", "faults"]:
                return {"faults": msgspec.to_builtins(faults.all)}
            case ["DELETE", "faults"]:
                faults.all.clear()
                return {"faults": []}
            case ["POST", "advance"]:
                return {"now": call.now + advance(call.store, msgspec.json.decode(body, type=Advance).seconds)}
            case ["POST", "accounts", identity, "onboard"]:
                return accounts.onboard(call, call.need("account", identity))
            case ["POST", "payment_intents", identity, ("authenticate" | "fail") as outcome]:
                return payment_intents.authenticate(call, call.need("payment_intent", identity), succeed=outcome == "authenticate")
            case _:
                raise unknown_route(method, path)
    except msgspec.DecodeError as error:
        raise invalid(str(error)) from None


def advance(store: Store, seconds: int) -> int:
    """Move the clock; what falls due meanwhile happens at the next request."""
    store.set_fact(OFFSET, store.fact(OFFSET) + seconds)
    return seconds
