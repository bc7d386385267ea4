"""One correlation id and one W3C trace context through HTTP, NATS, spoke and every log line."""

import re
from contextvars import ContextVar

import msgspec

from hub.runtime.entropy import random_bytes

_TRACEPARENT = re.compile(r"^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$")


class Trace(msgspec.Struct, frozen=True):
    """`correlation_id` is for people; `traceparent` is W3C Trace Context, level 1."""

    correlation_id: str
    traceparent: str

    @classmethod
    def new(cls, correlation_id: str | None = None, traceparent: str | None = None) -> "Trace":
        """Continue the trace of a well-formed `traceparent`, or begin one; a malformed one is dropped (W3C 3.2.2.3)."""
        found = _TRACEPARENT.match(traceparent or "")
        noise = random_bytes(24).hex()
        trace_id = found[1] if found and found[1] != "0" * 32 else noise[:32]
        return cls(correlation_id or trace_id, f"00-{trace_id}-{noise[32:]}-01")


current: ContextVar[Trace | None] = ContextVar("trace", default=None)
"""The trace that log lines carry."""
