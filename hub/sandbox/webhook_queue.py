"""What is to be told to webhook endpoints: one row for each event and endpoint, with its attempts and what became of them."""

import sqlite3
from typing import Any

from hub.sandbox.answers import Json
from hub.sandbox.store import PLATFORM, Store

GIVES_UP_AFTER = 3 * 24 * 3600
"""Stripe retries for up to three days (docs.stripe.com/webhooks)."""

FIRST_RETRY = 5
RETRY_MAX = 6 * 3600
COLUMNS = ("seq", "event", "type", "endpoint", "url", "state", "attempts", "status", "error", "next_at", "since")


def listened_to(store: Store) -> bool:
    """Whether there is any endpoint; asked for every event, so it is remembered."""
    if store.listeners is None:
        store.listeners = store.db.execute("SELECT count(*) FROM objects WHERE kind = 'webhook_endpoint'").fetchone()[0]
    return bool(store.listeners)


def put(store: Store, event: Json, now: int, *, again: bool = False) -> int:
    """Queue the event for every endpoint that wants it; with `again`, also for those that had it. The number of endpoints."""
    wanted = [endpoint for endpoint in store.find("webhook_endpoint", PLATFORM) if _wants(endpoint, event)]
    for endpoint in wanted:
        store.db.execute(
            "INSERT INTO deliveries (event, type, endpoint, url, since, next_at) VALUES (?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (event, endpoint) DO UPDATE SET state = 'waiting', next_at = excluded.next_at, since = excluded.since "
            "WHERE ? = 1",
            (event["id"], event["type"], endpoint["id"], endpoint["url"], now, now, int(again)),
        )
    if wanted:
        store.put(event | {"pending_webhooks": len(wanted)})
    return len(wanted)


def due(store: Store, now: int) -> list[dict[str, Any]]:
    """What may be sent now, oldest first."""
    return _rows(store, "WHERE state = 'waiting' AND next_at <= ? ORDER BY seq", now)


def next_due(store: Store) -> int | None:
    """When the next attempt is to be made."""
    return store.db.execute("SELECT min(next_at) FROM deliveries WHERE state = 'waiting'").fetchone()[0]


def all_of(store: Store, limit: int = 1_000) -> list[dict[str, Any]]:
    """Every delivery, newest first."""
    return _rows(store, "ORDER BY seq DESC LIMIT ?", limit)


def record(store: Store, delivery: dict[str, Any], now: int, *, status: int | None, error: str | None) -> None:
    """Note an attempt. Anything but a 2xx is tried again, later and later, until three days have passed."""
    found = store.db.execute("SELECT attempts FROM deliveries WHERE seq = ?", (delivery["seq"],)).fetchone()
    attempts: int = (found[0] if found else 0) + 1
    done = status is not None and 200 <= status < 300  # noqa: PLR2004  # the bounds of HTTP's success
    next_at = now + min(FIRST_RETRY * 4 ** (attempts - 1), RETRY_MAX)
    state = "delivered" if done else "waiting" if next_at <= delivery["since"] + GIVES_UP_AFTER else "given_up"
    store.db.execute(
        "UPDATE deliveries SET state = ?, attempts = ?, status = ?, error = ?, next_at = ? WHERE seq = ?",
        (state, attempts, status, error, next_at, delivery["seq"]),
    )
    if done:
        _count_down(store, delivery["event"])


def _count_down(store: Store, event: str) -> None:
    left = store.db.execute("SELECT count(*) FROM deliveries WHERE event = ? AND state = 'waiting'", (event,)).fetchone()[0]
    store.db.execute("UPDATE objects SET body = json_set(body, '$.pending_webhooks', ?) WHERE id = ?", (left, event))


def _wants(endpoint: Json, event: Json) -> bool:
    ours = endpoint["_connect"] == bool(event.get("account"))
    return ours and endpoint["status"] == "enabled" and bool({"*", event["type"]} & set(endpoint["enabled_events"]))


def _rows(store: Store, rest: str, *values: Any) -> list[dict[str, Any]]:
    rows: sqlite3.Cursor = store.db.execute(f"SELECT {', '.join(COLUMNS)} FROM deliveries {rest}", values)
    return [dict(zip(COLUMNS, row, strict=True)) for row in rows]
