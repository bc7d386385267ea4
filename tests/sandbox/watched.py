"""A sandbox under watch: every request and every answer that passes is held against Stripe's own schemas."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec

from hub.sandbox.app import Sandbox
from hub.sandbox.forms import decode
from hub.sandbox.routes import Route, route_of
from tests.sandbox.stripe_schemas import answer_schema, request_schema

Message = MutableMapping[str, Any]

CONTRACT: dict[str, tuple[str, str]] = {
    "GET /v1/accounts": ("AccountListParams", "list"),
    "POST /v1/accounts": ("AccountCreateParams", "account"),
    "GET /v1/accounts/{}": ("AccountRetrieveParams", "account"),
    "POST /v1/accounts/{}": ("AccountUpdateParams", "account"),
    "GET /v1/accounts/{}/capabilities/{}": ("AccountCapabilityRetrieveParams", "capability"),
    "POST /v1/accounts/{}/capabilities/{}": ("AccountCapabilityUpdateParams", "capability"),
    "POST /v1/account_links": ("AccountLinkCreateParams", "account_link"),
    "DELETE /v1/accounts/{}": ("AccountDeleteParams", "account"),
    "POST /v1/accounts/{}/reject": ("AccountRejectParams", "account"),
    "GET /v1/customers": ("CustomerListParams", "list"),
    "POST /v1/customers": ("CustomerCreateParams", "customer"),
    "GET /v1/customers/{}": ("CustomerRetrieveParams", "customer"),
    "POST /v1/customers/{}": ("CustomerUpdateParams", "customer"),
    "GET /v1/customers/{}/payment_methods": ("CustomerPaymentMethodListParams", "list"),
    "GET /v1/payment_methods": ("PaymentMethodListParams", "list"),
    "GET /v1/payment_methods/{}": ("PaymentMethodRetrieveParams", "payment_method"),
    "POST /v1/payment_methods/{}/attach": ("PaymentMethodAttachParams", "payment_method"),
    "POST /v1/payment_methods/{}/detach": ("PaymentMethodDetachParams", "payment_method"),
    "GET /v1/setup_intents": ("SetupIntentListParams", "list"),
    "POST /v1/setup_intents": ("SetupIntentCreateParams", "setup_intent"),
    "GET /v1/setup_intents/{}": ("SetupIntentRetrieveParams", "setup_intent"),
    "POST /v1/setup_intents/{}/confirm": ("SetupIntentConfirmParams", "setup_intent"),
    "POST /v1/setup_intents/{}/cancel": ("SetupIntentCancelParams", "setup_intent"),
    "GET /v1/payment_intents": ("PaymentIntentListParams", "list"),
    "POST /v1/payment_intents": ("PaymentIntentCreateParams", "payment_intent"),
    "GET /v1/payment_intents/search": ("PaymentIntentSearchParams", "search_result"),
    "GET /v1/payment_intents/{}": ("PaymentIntentRetrieveParams", "payment_intent"),
    "POST /v1/payment_intents/{}/confirm": ("PaymentIntentConfirmParams", "payment_intent"),
    "POST /v1/payment_intents/{}/capture": ("PaymentIntentCaptureParams", "payment_intent"),
    "POST /v1/payment_intents/{}/cancel": ("PaymentIntentCancelParams", "payment_intent"),
    "GET /v1/charges": ("ChargeListParams", "list"),
    "GET /v1/charges/{}": ("ChargeRetrieveParams", "charge"),
    "GET /v1/refunds": ("RefundListParams", "list"),
    "POST /v1/refunds": ("RefundCreateParams", "refund"),
    "GET /v1/refunds/{}": ("RefundRetrieveParams", "refund"),
    "POST /v1/refunds/{}": ("RefundUpdateParams", "refund"),
    "POST /v1/refunds/{}/cancel": ("RefundCancelParams", "refund"),
    "GET /v1/disputes": ("DisputeListParams", "list"),
    "GET /v1/disputes/{}": ("DisputeRetrieveParams", "dispute"),
    "POST /v1/disputes/{}": ("DisputeUpdateParams", "dispute"),
    "POST /v1/disputes/{}/close": ("DisputeCloseParams", "dispute"),
    "GET /v1/transfers": ("TransferListParams", "list"),
    "POST /v1/transfers": ("TransferCreateParams", "transfer"),
    "GET /v1/transfers/{}": ("TransferRetrieveParams", "transfer"),
    "GET /v1/transfers/{}/reversals": ("TransferReversalListParams", "list"),
    "POST /v1/transfers/{}/reversals": ("TransferReversalCreateParams", "transfer_reversal"),
    "GET /v1/transfers/{}/reversals/{}": ("TransferReversalRetrieveParams", "transfer_reversal"),
    "GET /v1/balance": ("BalanceRetrieveParams", "balance"),
    "GET /v1/balance_transactions": ("BalanceTransactionListParams", "list"),
    "GET /v1/balance_transactions/{}": ("BalanceTransactionRetrieveParams", "balance_transaction"),
    "GET /v1/payouts": ("PayoutListParams", "list"),
    "POST /v1/payouts": ("PayoutCreateParams", "payout"),
    "GET /v1/payouts/{}": ("PayoutRetrieveParams", "payout"),
    "POST /v1/payouts/{}/cancel": ("PayoutCancelParams", "payout"),
    "POST /v1/payouts/{}/reverse": ("PayoutReverseParams", "payout"),
    "GET /v1/webhook_endpoints": ("WebhookEndpointListParams", "list"),
    "POST /v1/webhook_endpoints": ("WebhookEndpointCreateParams", "webhook_endpoint"),
    "GET /v1/webhook_endpoints/{}": ("WebhookEndpointRetrieveParams", "webhook_endpoint"),
    "POST /v1/webhook_endpoints/{}": ("WebhookEndpointUpdateParams", "webhook_endpoint"),
    "DELETE /v1/webhook_endpoints/{}": ("WebhookEndpointDeleteParams", "webhook_endpoint"),
    "GET /v1/events": ("EventListParams", "list"),
    "GET /v1/events/{}": ("EventRetrieveParams", "event"),
}
"""What Stripe's package says each simulated endpoint takes and answers."""

LISTS = {"list", "search_result"}
OK = 200


class Watched:
    """The app to give to a client. `violations` is what was wrong, `seen` which endpoints were called."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.violations: list[str] = []
        self.seen: set[str] = set()
        self.checked = 0

    async def __call__(self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/v1/"):
            await self.sandbox(scope, receive, send)
            return
        asked = b""
        said: list[Message] = []

        async def hear() -> Message:
            nonlocal asked
            message = await receive()
            asked += message.get("body", b"")
            return message

        async def tell(message: Message) -> None:
            said.append(message)
            await send(message)

        await self.sandbox(scope, hear, tell)
        form = asked.decode() if scope["method"] == "POST" else scope["query_string"].decode()
        if len(said) > 1:
            self._check(scope["method"], scope["path"], form, said[0]["status"], said[1]["body"])

    def _check(self, method: str, path: str, form: str, status: int, body: bytes) -> None:
        answer = _json(body)
        if answer is None:
            return  # the injected garbage
        if status != OK:
            self._hold(f"{method} {path} {status}", "error", answer["error"])
            self._walk(f"{method} {path} {status}", answer["error"])
            return
        route: Route = route_of(method, path)[0]
        name = f"{route.method} {route.path}"
        params, kind = CONTRACT[name]
        self.seen.add(name)
        self.violations += [f"{name} asks {wrong}" for wrong in request_schema(params).wrong(decode(form))]
        if answer.get("object") != kind:
            self.violations.append(f"{name} answers {answer.get('object')}, not {kind}")
        self._walk(name, answer)

    def _walk(self, where: str, node: Any) -> None:
        """Check every object in an answer, however deep, by its ``object``."""
        if isinstance(node, list):
            for branch in node:  # pyright: ignore[reportUnknownVariableType]  # parsed JSON has no static shape
                self._walk(where, branch)
        if not isinstance(node, dict):
            return
        if set(node) == {"id", "object", "deleted"}:  # pyright: ignore[reportUnknownArgumentType]  # parsed JSON has no static shape
            return  # what is left of a deleted object; the wheel has no class for it
        kind: Any = node.get("object")  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]  # as above
        if isinstance(kind, str) and kind not in LISTS:
            self._hold(where, kind, node)
        for branch in node.values():  # pyright: ignore[reportUnknownVariableType]  # as above
            self._walk(where, branch)

    def _hold(self, where: str, kind: str, obj: Any) -> None:
        self.checked += 1
        self.violations += [f"{where} answers {kind} {wrong}" for wrong in answer_schema(kind).wrong(obj)]


def _json(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        return None
