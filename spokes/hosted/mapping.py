"""What the vendor API knows of an order, and how it fails, in the words of a spoke (pure)."""

from http import HTTPStatus

from vendor_sdk.client.answers.orders import Order
from vendor_sdk.client.errors import ClientError, NotAllowed, NotAuthenticated, Problem
from vendor_sdk.errors import AdapterError, Misconfigured, NeedsReauth, Retry
from vendor_sdk.messages import Kept, Recalled

LEFT = frozenset({"shipped", "delivered", "settled"})
"""States of an order whose goods its vendor has told to have left."""


def recalled(sub_order_id: str, order: Order | None) -> Recalled | Kept:
    """What has not left, as far as its vendor has told, stays; what is not known was never taken on."""
    return Kept(sub_order_id=sub_order_id) if order is not None and order.state in LEFT else Recalled(sub_order_id=sub_order_id)


def failure(error: ClientError) -> AdapterError:
    """An error of the client, so that the guard knows what to do."""
    if error.retryable or (isinstance(error, Problem) and error.status >= HTTPStatus.INTERNAL_SERVER_ERROR):  # a read may be asked again
        return Retry(str(error), retry_after=error.retry_after)
    if isinstance(error, NotAuthenticated | NotAllowed):
        return NeedsReauth(str(error))
    return Misconfigured(str(error))
