"""When a call is asked again, and after how long."""

import random

from tenacity import RetryCallState, retry_if_exception, stop_before_delay
from tenacity.stop import stop_base

from vendor_sdk.client.connection import Patience
from vendor_sdk.client.errors import ClientError


def _is_retryable(error: BaseException) -> bool:
    return isinstance(error, ClientError) and error.retryable


AGAIN = retry_if_exception(_is_retryable)


class Pause:
    """Before an attempt: at least what the hub asked for, else twice as long as before, at random, up to the longest."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience

    def __call__(self, state: RetryCallState) -> float:
        """Seconds."""
        ceiling = min(self._patience.longest_pause, self._patience.first_pause * 2.0 ** min(state.attempt_number - 1, 30))
        own = ceiling * (0.5 + random.random() / 2)  # noqa: S311  # spreads the load, guards nothing
        error = state.outcome.exception() if state.outcome is not None else None
        asked = error.retry_after if isinstance(error, ClientError) else None
        return own if asked is None else max(own, asked)


def until(patience: Patience) -> stop_base:
    """No attempt begins that could not be answered within the call's time."""
    return stop_before_delay(max(0.0, patience.call - patience.least))
