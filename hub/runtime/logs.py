"""Structured logs: one line of JSON an event, each with the correlation id and trace of what it belongs to."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from hub.runtime.trace import current


def _add_trace(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    trace = current.get()
    if trace is not None:
        event["correlation_id"] = trace.correlation_id
        event["traceparent"] = trace.traceparent
    return event


def set_up(*, level: str = "info", fmt: str = "json", process: str = "hub") -> None:
    """Send our logs and those of the libraries to standard error in `fmt` (``json`` or ``console``)."""
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_trace,
    ]
    renderer: structlog.types.Processor = structlog.processors.JSONRenderer() if fmt == "json" else structlog.dev.ConsoleRenderer()
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(process=process)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer]
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in ("nats", "nats.aio.client", "asyncio", "httpx", "stripe", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
