"""What goes wrong at Shopify, in the SDK's words; pure.

https://shopify.dev/docs/api/admin-graphql (status and error codes), …/docs/api/usage/limits (throttling).
"""

from collections.abc import Sequence

from spokes.shopify.model import Cost, GraphQLError, UserError
from spokes.web.failures import Unsure
from vendor_sdk.errors import AdapterError, Misconfigured, NeedsReauth, Rejected, Retry
from vendor_sdk.retry_after import RETRY_SECONDS_MAX

WAIT_SECONDS = 1.0
"""Where Shopify does not say for how long."""
FROZEN = frozenset({402, 423})
"""A shop that is not paid for, or locked."""

AGAIN_NEW = frozenset({"CHANGE_FROM_QUANTITY_STALE", "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED"})
"""Not done, and never under this key: look again, and ask under another."""
AGAIN = frozenset({"IDEMPOTENCY_CONCURRENT_REQUEST", "INTERNAL_ERROR", "MOVE_QUANTITIES_FAILED", "SERVICE_UNAVAILABLE"})
SHORT = frozenset({"INVENTORY_CLAIM_FAILED"})
WRONG_SETTINGS = frozenset(
    ["FULFILLMENT_SERVICE_INVALID", "INVALID_INVENTORY_ITEM", "INVALID_LOCATION", "LIMIT_EXCEEDED", "NON_MUTABLE_INVENTORY_ITEM",
     "NO_REFUND_PERMISSION", "NO_REFUND_TO_STORE_CREDIT_PERMISSION", "RESOURCE_TYPE_LIMIT_EXCEEDED", "RESOURCE_TYPE_LIMIT_EXCEEDED_BY_APP",
     "SHOP_DORMANT", "UNSTRUCTURED_ALREADY_EXISTS"]
)  # fmt: skip
TAKEN = "TAKEN"


class Stale(Exception):
    """Nothing was moved: what we saw has changed since."""


def of_query(errors: Sequence[GraphQLError], cost: Cost) -> AdapterError:
    """Why a query was not run at all."""
    first = errors[0] if errors else GraphQLError(message="no data")
    detail = f"{first.extensions.code or 'error'}: {first.message}"[:300]
    match first.extensions.code:
        case "THROTTLED":
            return Retry(detail, retry_after=seconds_to_wait(cost))
        case "ACCESS_DENIED":
            return NeedsReauth(detail)
        case "SHOP_INACTIVE":
            return Misconfigured(detail)
        case "INTERNAL_SERVER_ERROR":
            return Unsure(detail, retry_after=WAIT_SECONDS)
        case _:
            return AdapterError(detail)


def seconds_to_wait(cost: Cost) -> float:
    """Until the bucket holds what the query costs."""
    throttle = cost.throttle_status
    if throttle.restore_rate <= 0:
        return WAIT_SECONDS
    missing = max(0.0, cost.requested_query_cost - throttle.currently_available)
    return min(max(missing / throttle.restore_rate, 0.1), RETRY_SECONDS_MAX)


def of_mutation(errors: Sequence[UserError]) -> AdapterError | Stale | None:
    """Why a mutation was not done; None if it was."""
    if not errors:
        return None
    first = errors[0]
    detail = f"{first.code or 'error'}: {'.'.join(first.field or [])} {first.message}"[:300]
    if first.code in AGAIN_NEW:
        return Stale(detail)
    if first.code in AGAIN:
        return Retry(detail, retry_after=WAIT_SECONDS)
    if first.code in SHORT:
        return Rejected(detail, reason="out_of_stock")
    if first.code in WRONG_SETTINGS:
        return Misconfigured(detail)
    return AdapterError(detail)
