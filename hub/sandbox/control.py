"""What Stripe has not: the sandbox's own switches under ``/_sandbox``, for tests and demonstrations."""

from typing import Any, Protocol

import msgspec

from hub.sandbox import balance, refund_outcomes, reversals, switches, webhook_queue
from hub.sandbox.answers import Json, invalid, unknown_route
from hub.sandbox.call import Call
from hub.sandbox.faults import Faults
from hub.sandbox.routes import ROUTES
from hub.sandbox.sender import Sender
from hub.sandbox.store import Store
from hub.sandbox.webhook_endpoints import Mode

ROOT = "/_sandbox"
OFFSET = "clock_offset"
ABOUT = (
    "This is a SIMULATED Stripe. No card is charged, no bank is reached, no money moves. "
    "Fees (2.9 % + 25 minor units, 1500 for a dispute), settlement after two days and every decline are simulated. "
    "It does not claim currency conversion, real price lists, risk checks or exact error texts."
)
SWITCHES = [
    f'POST {ROOT}/advance {{"seconds": 86400}}',
    f'POST {ROOT}/faults {{"match": "POST /v1/transfers", "mode": "hang_after", "times": 1}}',
    f'POST {ROOT}/faults {{"match": "POST /v1/*", "modes": ["500_before", "drop_after"], "rate": 0.35, "seed": 7}}',
    f"GET {ROOT}/faults",
    f"DELETE {ROOT}/faults",
    f'POST {ROOT}/rules {{"refunds_wait_for_funds": true, "reversals_need_funds": true}}',
    f"POST {ROOT}/accounts/{{id}}/onboard|restrict|needs_funds",
    f'POST {ROOT}/accounts/{{id}}/capabilities {{"transfers": "inactive"}}',
    f"POST {ROOT}/payment_intents/{{id}}/authenticate|fail",
    f"POST {ROOT}/setup_intents/{{id}}/authenticate|fail",
    f'POST {ROOT}/charges/{{id}}/dispute {{"amount": 1000, "reason": "fraudulent", "withdraw": true}}',
    f"POST {ROOT}/disputes/{{id}}/escalate",
    f'POST {ROOT}/disputes/{{id}}/close {{"status": "won"}}',
    f"POST {ROOT}/refunds/{{id}}/succeed|fail",
    f'POST {ROOT}/payouts/{{id}}/fail {{"failure_code": "account_closed"}}',
    f'POST {ROOT}/movements {{"amount": -200, "currency": "eur", "type": "stripe_fee"}}',
    f"GET {ROOT}/webhooks",
    f'POST {ROOT}/webhooks {{"mode": "hold|shuffle|duplicate|chaos|normal", "seed": 0}}',
    f"POST {ROOT}/webhooks/{{event}}/resend",
    f"POST {ROOT}/webhook_endpoints/{{id}}/roll",
]


class Advance(msgspec.Struct, forbid_unknown_fields=True):
    """Move the sandbox's clock."""

    seconds: int


class Rules(msgspec.Struct, forbid_unknown_fields=True):
    """Where Stripe's documents allow two readings, the stricter one."""

    refunds_wait_for_funds: bool | None = None
    reversals_need_funds: bool | None = None


class Sending(msgspec.Struct, forbid_unknown_fields=True):
    """How webhooks go out from now on."""

    mode: Mode
    seed: int = 0


class Switched(Protocol):
    """What the switches act on besides the objects."""

    faults: Faults
    sender: Sender


def about(now: int) -> Json:
    """What this is, in plain words."""
    return {
        "simulated": True,
        "about": ABOUT,
        "now": now,
        "endpoints": [f"{route.method} {route.path}" for route in ROUTES],
        "switches": SWITCHES,
    }


def switch(method: str, path: str, body: bytes, call: Call, sandbox: Switched) -> Json:
    """Turn one of the switches. Raises `Problem`."""
    parts = path.removeprefix(ROOT).strip("/").split("/")
    try:
        done = switches.turn(call, parts, body or b"{}") if method == "POST" else None
        if done is None:
            done = _of_sandbox(method, parts, body or b"{}", call, sandbox)
    except msgspec.DecodeError as error:
        raise invalid(str(error)) from None
    if done is None:
        raise unknown_route(method, path)
    return done


def advance(store: Store, seconds: int) -> int:
    """Move the clock; what falls due meanwhile happens at the next request."""
    store.set_fact(OFFSET, store.fact(OFFSET) + seconds)
    return seconds


def _of_sandbox(method: str, parts: list[str], body: bytes, call: Call, sandbox: Switched) -> Json | None:
    match [method, *parts]:
        case ["POST", "faults"]:
            sandbox.faults.order(body)
        case ["DELETE", "faults"]:
            sandbox.faults.clear()
        case ["GET", "faults"]:
            pass
        case ["POST", "advance"]:
            return {"now": call.now + advance(call.store, msgspec.json.decode(body, type=Advance).seconds)}
        case ["POST", "movements"]:
            return balance.book(call, msgspec.json.decode(body, type=balance.Movement))
        case ["POST", "rules"]:
            return _rules(call.store, msgspec.json.decode(body, type=Rules))
        case [_, "webhooks", *rest]:
            return _webhooks([method, *rest], body, call, sandbox.sender)
        case _:
            return None
    return {"faults": msgspec.to_builtins(sandbox.faults.all)}


def _rules(store: Store, rules: Rules) -> Json:
    given = msgspec.to_builtins(rules)
    for name in (refund_outcomes.WAIT, reversals.NEED_FUNDS):
        if given[name] is not None:
            store.set_fact(name, int(given[name]))
    return {name: bool(store.fact(name)) for name in given}


def _webhooks(words: list[str], body: bytes, call: Call, sender: Sender) -> Json | None:
    shown: dict[str, Any] = {}
    match words:
        case ["GET"]:
            shown = {"deliveries": webhook_queue.all_of(call.store)}
        case ["POST"]:
            order = msgspec.json.decode(body, type=Sending)
            sender.misbehave(order.mode, order.seed)
        case ["POST", event, "resend"]:
            found = call.store.get(event, "event")
            if found is None:
                raise invalid(f"No such event: '{event}'", param="id", code="resource_missing")
            shown = {"queued": webhook_queue.put(call.store, found, call.now, again=True)}
        case _:
            return None
    return {"mode": sender.mode, "seed": sender.seed, **shown}
