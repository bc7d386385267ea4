"""The one table from what Stripe's client raises to the three ways in which a provider may fail us."""

import stripe

from hub.gateways.stripe.wire import Unreachable
from hub.payments.ports import GatewayRefused, InDoubt, NotSent

BURNT = "provider_error"
"""A 500 that Stripe has saved under the key: this key can never give an answer again."""

MISUSED = "idempotency_error"
"""The key was used before with other parameters: a fault of ours that nothing found can excuse."""

RATE_LIMIT_SECONDS = 1.0
UNAUTHORIZED_SECONDS = 60.0
SERVER_ERRORS = 500

Failure = InDoubt | NotSent | GatewayRefused


REFUSALS: dict[type[stripe.StripeError], str] = {
    stripe.CardError: "card_declined",
    stripe.InvalidRequestError: "invalid_request_error",
    stripe.PermissionError: "permission_denied",
    stripe.IdempotencyError: MISUSED,
}
"""Definite answers, and the word for them where Stripe gives no code."""


def failure(error: stripe.StripeError) -> Failure:
    """What `error` means for the money (docs.stripe.com/error-low-level, docs.stripe.com/api/idempotent_requests)."""
    message = error.user_message or str(error)
    if isinstance(error, Unreachable) and not error.sent:
        return NotSent(message)
    if isinstance(error, stripe.RateLimitError):
        return NotSent(message, retry_after=_retry_after(error))
    if isinstance(error, stripe.AuthenticationError):
        # Nothing acted, and nothing will until an operator mends the key.
        return NotSent(message, retry_after=UNAUTHORIZED_SECONDS)
    if type(error) in REFUSALS:
        return GatewayRefused(error.code or REFUSALS[type(error)], message)
    if _is_burnt(error):
        return GatewayRefused(BURNT, message)
    # No answer, 409 (the first call is still under way), 5xx, or something that is not Stripe's JSON.
    return InDoubt(message)


def _is_burnt(error: stripe.StripeError) -> bool:
    return (error.http_status or 0) >= SERVER_ERRORS and _header(error, "idempotent-replayed") == "true"


def _retry_after(error: stripe.StripeError) -> float:
    try:
        return float(_header(error, "retry-after") or RATE_LIMIT_SECONDS)
    except ValueError:
        return RATE_LIMIT_SECONDS


def _header(error: stripe.StripeError, wanted: str) -> str | None:
    return next((value for name, value in (error.headers or {}).items() if name.lower() == wanted), None)
