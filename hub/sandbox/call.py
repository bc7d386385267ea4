"""One request's view of the sandbox: who asks, what time it is, and how objects are made, found and announced."""

import secrets
from typing import Any

import msgspec

from hub.sandbox import webhook_queue
from hub.sandbox.answers import Json, missing, public
from hub.sandbox.store import PLATFORM, Store

API_VERSION = "2026-10-28.endive"
NAMES = {
    "account": "account",
    "balance_transaction": "balance transaction",
    "charge": "charge",
    "customer": "customer",
    "dispute": "dispute",
    "event": "event",
    "payment_intent": "payment_intent",
    "payment_method": "PaymentMethod",
    "payout": "payout",
    "refund": "refund",
    "setup_intent": "setupintent",
    "transfer": "transfer",
    "transfer_reversal": "transfer reversal",
    "webhook_endpoint": "webhook endpoint",
}
PREFIXES = NAMES | {
    "account": "acct",
    "balance_transaction": "txn",
    "charge": "ch",
    "customer": "cus",
    "dispute": "dp",
    "event": "evt",
    "payment_intent": "pi",
    "payment_method": "pm",
    "payout": "po",
    "refund": "re",
    "setup_intent": "seti",
    "transfer": "tr",
    "transfer_reversal": "trr",
    "webhook_endpoint": "we",
}


class Call(msgspec.Struct, frozen=True):
    """The context of a handler. `now` is unix seconds by the sandbox's clock; `account` is ``""`` for the platform."""

    store: Store
    now: int
    account: str = PLATFORM
    key: str | None = None
    request: str | None = None
    ids: tuple[str, ...] = ()
    """The ids in the path, in order."""
    base: str = "http://sandbox"
    """The address at which the caller found us, for links that a person opens."""

    def acting_for(self, account: str) -> "Call":
        """The same call on the books of another account."""
        return msgspec.structs.replace(self, account=account)

    def new(self, kind: str, fields: Json, *, prefix: str | None = None) -> Json:
        """Make and remember an object of the account with an id of its own."""
        identity = f"{prefix or PREFIXES[kind]}_{secrets.token_hex(12)}"
        obj: Json = {"id": identity, "object": kind, "created": self.now, "livemode": False, **fields}
        return self.store.add(obj, self.account)

    def need(self, kind: str, identity: str, param: str = "id") -> Json:
        """The account's object, or a 404 in Stripe's words."""
        found = self.store.get(identity, kind, self.account)
        if found is None:
            raise missing(NAMES[kind], identity, param)
        return found

    def announce(self, event: str, obj: Json) -> None:
        """Record an event with the object as it is now."""
        fields: Json = {
            "api_version": API_VERSION,
            "data": {"object": public(obj)},
            "pending_webhooks": 0,
            "request": {"id": self.request, "idempotency_key": self.key},
            "type": event,
        }
        made = self.new("event", fields | ({"account": self.account} if self.account else {}))
        if webhook_queue.listened_to(self.store):
            webhook_queue.put(self.store, made, self.now)

    def sum(self, sql: str, *values: Any) -> int:
        """A total over the store; 0 where there is nothing."""
        return self.store.db.execute(sql, values).fetchone()[0] or 0
