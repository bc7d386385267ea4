"""The only words in which an adapter may fail; the guard and the hub decide by them what happens next."""


class AdapterError(Exception):
    """Anything an adapter may raise.

    `code` is stable and goes into the dead letter; `retryable` says whether asking again can help.
    """

    code = "failed"
    retryable = False

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after = retry_after
        """Seconds the vendor's system asked us to wait, if it did (RFC 9110, Retry-After)."""


class Retry(AdapterError):
    """The vendor's system could not answer now: time-out, 5xx, rate limit. Asked again with backoff."""

    code = "retry"
    retryable = True


class Rejected(AdapterError):
    """A business refusal (out of stock, wrong address): an answer, never a fault. Never retried, never counted by a breaker."""

    code = "rejected"

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason
        """Stable word for the buyer's and operator's eyes, e.g. ``out_of_stock``."""


class Unsupported(AdapterError):
    """The vendor's system cannot do this at all: a dead letter at once."""

    code = "unsupported"


class Misconfigured(AdapterError):
    """Settings or mapping are wrong: a dead letter at once, an operator mends it."""

    code = "misconfigured"


class NeedsReauth(AdapterError):
    """The vendor's credentials were refused: a dead letter at once instead of burned retries."""

    code = "needs_reauth"


def retry_after(error: BaseException | None) -> float:
    """Seconds the vendor's system asked us to wait; 0 if it did not."""
    return (error.retry_after or 0.0) if isinstance(error, AdapterError) else 0.0
