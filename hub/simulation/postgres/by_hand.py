"""The few statements that the hub writes as SQL text, and its triggers, once more in Python; a test compares them side by side."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from hub.cart import coupons
from hub.ledger import store as ledger
from hub.liveness import store as liveness
from hub.orders.lock_and_end import LOCK_AND_END
from hub.runtime import idempotency, steps
from hub.runtime.rows import row_class
from hub.simulation.postgres.tables import Table
from hub.simulation.postgres.views import Row, View, Violation
from hub.webhooks import store as webhooks

ByHand = Callable[[Any, View, Mapping[str, Any]], tuple[list[Any], int]]

_STEP = row_class(steps.Step.__struct_fields__)
_EVENT = row_class(webhooks.Claimed.__struct_fields__)
_HEAD = ("id", "kind", "cause", "order_id", "vendor", "reference")
_ONE = row_class(["value"])
_BEGAN = row_class(["began"])
_ANSWER = row_class(["actor", "key", "fingerprint", "status", "body"])


def changed(table: Table, row: Row, **values: Any) -> Row:
    """A row with other values."""
    new = list(row)
    for name, value in values.items():
        new[table.position[name]] = value
    return tuple(new)


def claim_steps(m: Any, v: View, p: Mapping[str, Any]) -> tuple[list[Any], int]:
    """`steps.CLAIM`, always the first statement of its transaction."""
    t: Table = m.tables["steps"]
    at = t.position
    by_target: dict[str, list[Row]] = {}
    for key in m.due.until(v.now):
        row = t.rows[key]
        target = row[at["target"]]
        if (target == steps.HUB_TARGET or p["sending"]) and not row[at["waiting"]] and t.locks.get(key, v) is v:
            by_target.setdefault(target, []).append(row)
    out: list[Any] = []
    for target in sorted(by_target):
        own = target == steps.HUB_TARGET
        for row in by_target[target][: p["own"] if own else p["per_target"]]:
            v.hold(t.locks, row[0])
            attempt, deadline = row[at["attempt"]], row[at["deadline"]]
            if attempt == 0 and not own and deadline is not None:
                deadline = v.now + (deadline - row[at["created_at"]])
            pause = min(300.0 if own else 21600.0, row[at["redrive_seconds"]] * 2 ** min(attempt, 10)) * (0.9 + 0.2 * m.random())
            due_at = v.now + timedelta(seconds=pause)
            new = changed(t, row, attempt=attempt + 1, sent_at=v.now, deadline=deadline, due_at=due_at)
            t.change(v, row, new)
            out.append(_STEP(*(new[at[name]] for name in _STEP.__slots__)))
    return out, len(out)


def claim_events(m: Any, v: View, p: Mapping[str, Any]) -> tuple[list[Any], int]:
    """`webhooks.store.CLAIM`."""
    t: Table = m.tables["provider_events"]
    at = t.position
    index = t.index((at["state"],))
    open_ = [row for state in ("new", "parked") for row in t.lookup(v, index, state)]
    due = sorted((row for row in open_ if row[at["due_at"]] <= v.now and t.locks.get(row[0], v) is v), key=lambda row: row[at["due_at"]])
    out: list[Any] = []
    for row in due[: p["limit"]]:
        v.hold(t.locks, row[0])
        new = changed(t, row, attempts=row[at["attempts"]] + 1, due_at=v.now + timedelta(seconds=p["lease"]))
        t.change(v, row, new)
        late = row[at["received_at"]] < v.now - timedelta(days=p["days"])
        said = [new[at[name]] for name in ("id", "gateway", "kind", "subject", "account", "state", "attempts")]
        out.append(_EVENT(*said, late, v.now))
    return out, len(out)


def post(m: Any, v: View, p: Mapping[str, Any]) -> tuple[list[Any], int]:
    """`ledger.store.POST` with the trigger ``keep_balances``."""
    heads: Table = m.tables["ledger_transactions"]
    if taken := heads.insert(v, heads.fresh(v, **{name: p[name] for name in _HEAD})):
        raise taken.violation()
    t: Table = m.tables["ledger_postings"]
    kept: Table = m.tables["ledger_balances"]
    change: dict[tuple[str, str], int] = {}
    moves = list(zip(p["sources"], p["destinations"], p["amounts"], p["currencies"], strict=True))
    for source, destination, amount, currency in moves:
        said = (next(t.sequence), p["id"], source, destination, amount, currency)
        t.insert(v, said)
        for account, signed in ((destination, amount), (source, -amount)):
            if ":" in account and not account.startswith("clearing:"):
                change[account, currency] = change.get((account, currency), 0) + signed
    for key in sorted(change):
        v.hold(kept.locks, key)
        old = kept.get(v, key)
        if old is None:
            kept.insert(v, (*key, change[key]))
        else:
            kept.change(v, old, (*key, old[2] + change[key]))
    return [], len(moves)


def allocated_wholly(m: Any, v: View) -> None:
    """The deferred trigger of that name: what was captured for an order is shared out to the last cent when it commits."""
    t: Table = m.tables["ledger_transactions"]
    for row in v.writes.get(t, {}).values():
        if row is not None and row[t.position["kind"]] == "allocate":
            order_id = row[t.position["order_id"]]
            kept: Table = m.tables["ledger_balances"]
            for balance in kept.lookup(v, kept.index((0,)), f"order:{order_id}"):
                if balance[2] != 0:
                    raise Violation("23514", f"what was captured for {order_id} is not wholly shared out")


def one_by_one(m: Any, v: View, p: Mapping[str, Any]) -> tuple[list[Any], int]:
    """`coupons._ONE_BY_ONE`."""
    for code in p["codes"]:
        v.hold(m.advisory, f"coupon {code}")
    return [_ONE(None) for _ in p["codes"]], len(p["codes"])


def begin_round(m: Any, v: View, p: Mapping[str, Any]) -> tuple[list[Any], int]:
    """`liveness.store.BEGIN`."""
    t: Table = m.tables["vendor_liveness"]
    at = t.position
    v.hold(t.locks, "@hub")
    old = t.get(v, "@hub")
    if old is None:
        t.insert(v, t.fresh(v, vendor="@hub", since=v.now, seen_at=v.now))
        return [_ONE("@hub")], 1
    if old[at["seen_at"]] > v.now - timedelta(seconds=p["every"]):
        return [], 0
    since = v.now if old[at["seen_at"]] < v.now - timedelta(seconds=p["gap"]) else old[at["since"]]
    t.change(v, old, changed(t, old, since=since, seen_at=v.now))
    return [_ONE("@hub")], 1


def expect(m: Any, v: View, _: Mapping[str, Any]) -> tuple[list[Any], int]:
    """`liveness.store.EXPECT`."""
    t, vendors = m.tables["vendor_liveness"], m.tables["vendors"]
    at = vendors.position
    fresh = 0
    for vendor in vendors.scan(v):
        has = vendor[at["nkey_public"]] is not None or vendor[at["embedded_spoke"]] is not None
        code = vendor[at["code"]]
        if has and vendor[at["capabilities"]] and vendor[at["state"]] != "closed" and t.get(v, code) is None:
            fresh += t.insert(v, t.fresh(v, vendor=code, since=v.now, seen_at=v.now)) is None
    return [], fresh


def oldest(m: Any, v: View, _: Mapping[str, Any]) -> tuple[list[Any], int]:
    """`liveness.store.OLDEST`."""
    t, known = m.tables["steps"], m.tables["vendor_liveness"]
    at = t.position
    worst: dict[str, float] = {}
    for row in t.lookup(v, t.index((at["state"],)), "open"):
        attempt, due_at = row[at["attempt"]], row[at["due_at"]]
        with_vendor = row[at["target"]] != steps.HUB_TARGET and not row[at["waiting"]] and row[at["verdict"]] is None
        if with_vendor and (attempt > 0 or due_at <= v.now):
            since: datetime = due_at if attempt == 0 else row[at["created_at"]]
            worst[row[at["target"]]] = max(worst.get(row[at["target"]], float("-inf")), (v.now - since).total_seconds())
    n = 0
    for row in known.scan(v):
        seconds = worst.get(row[0], 0.0)
        if row[known.position["oldest_seconds"]] != seconds:
            v.hold(known.locks, row[0])
            known.change(v, row, changed(known, row, oldest_seconds=seconds))
            n += 1
    return [], n


def lock_and_end(m: Any, v: View, p: Mapping[str, Any]) -> tuple[list[Any], int]:
    """`orders.lock_and_end.LOCK_AND_END`."""
    whole: Table = m.tables["orders"]
    t: Table = m.tables["steps"]
    began = None
    if whole.get(v, p["order"]) is not None:
        v.hold(whole.locks, p["order"])
        began = v.now
    row = t.get(v, p["step"])
    if row is None or row[t.position["state"]] != "open":
        return [], 0
    v.hold(t.locks, p["step"])
    reply = msgspec.json.decode(p["reply"])
    t.change(v, row, changed(t, row, state=p["state"], verdict=p["verdict"], reply=reply, ended_at=v.now))
    return [_BEGAN(began)], 1


def answered(m: Any, v: View, p: Mapping[str, Any]) -> tuple[list[Any], int]:
    """`idempotency.ANSWERED`."""
    t: Table = m.tables["idempotency_keys"]
    known = [t.get(v, each) for each in zip(p["actors"], p["keys"], strict=True)]
    rows = [_ANSWER(*(row[t.position[name]] for name in _ANSWER.__slots__)) for row in known if row is not None]
    return rows, len(rows)


def nothing(_: Any, __: View, ___: Mapping[str, Any]) -> tuple[list[Any], int]:
    """A statement of a connection's own settings."""
    return [], 0


BY_HAND: dict[str, ByHand] = {
    steps.CLAIM.text: claim_steps,
    webhooks.CLAIM.text: claim_events,
    ledger.POST.text: post,
    coupons.ONE_BY_ONE.text: one_by_one,
    liveness.BEGIN.text: begin_round,
    liveness.EXPECT.text: expect,
    liveness.OLDEST.text: oldest,
    idempotency.ANSWERED.text: answered,
    LOCK_AND_END.text: lock_and_end,
    "SELECT 1": nothing,
}
"""By their text."""
