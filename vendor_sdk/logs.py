"""Structured logs: one JSON object per line, with the vendor, command and trace that the line belongs to."""

import json
import logging
import sys
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

EMPTY: dict[str, str] = {}
_bound: ContextVar[dict[str, str]] = ContextVar("bound", default=EMPTY)


@contextmanager
def bound(**facts: str) -> Generator[None]:
    """Add `facts` (those that are not empty) to every line logged inside the block."""
    token = _bound.set(_bound.get() | {name: value for name, value in facts.items() if value})
    try:
        yield
    finally:
        _bound.reset(token)


class JsonFormatter(logging.Formatter):
    """Writes a record as ``{"at", "level", "logger", "event", …bound facts, "error"}``."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **_bound.get(),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def said(error: Exception) -> str:
    """What an error is and says: one alone is often empty or means nothing."""
    return f"{type(error).__name__}: {error}"


def configure(level: str = "INFO") -> None:
    """Log everything from `level` up to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
