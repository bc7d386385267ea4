"""Owns which ways to pay work now: what workers see of the providers, kept in one row each, and the answer to buyers."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum

import msgspec
from litestar import Controller, Response, get
from litestar.di import NamedDependency
from sqlalchemy import Column, DateTime, Table, Text, case, func, select
from sqlalchemy.dialects.postgresql import insert

from hub.payments.facts import Abilities
from hub.runtime.database import Database, Tx, metadata
from hub.runtime.http import Reading, refuses_public

STALE_SECONDS = 60
"""Bad news that nobody has repeated for so long is over: its worker repeats it at least twice as often while it lasts."""

gateway_health = Table(
    "gateway_health",
    metadata,
    Column("gateway", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("since", DateTime(timezone=True), nullable=False),
    Column("noted_at", DateTime(timezone=True), nullable=False),
)


class Health(StrEnum):
    """Whether a provider answers."""

    OK = "ok"
    DOWN = "down"


class Method(msgspec.Struct, frozen=True, kw_only=True):
    """A way to pay, and what its provider can do; `payment_methods` says what an order may name."""

    gateway: str
    payment_methods: str
    abilities: Abilities


class MethodView(msgspec.Struct, frozen=True, kw_only=True):
    """A way to pay as buyers see it. While it does not work an order may still name it, and waits to be paid."""

    gateway: str
    payment_methods: str
    works: bool
    since: datetime | None
    """From when on it has not been working; null while it works."""
    at_once: bool
    """Whether the order is paid when it is placed; else the buyer is told what to send where."""


Offered = Sequence[Method]


class PaymentMethodController(Controller):
    """How orders can be paid."""

    path = "/v1/payment-methods"
    tags = ["orders"]  # noqa: RUF012  # litestar's shape

    @get("", responses=refuses_public())
    async def browse(self, read: Reading, offered: NamedDependency[Offered]) -> Response[list[MethodView]]:
        """Ways to pay, those that work now first."""

        async def found(tx: Tx) -> list[MethodView]:
            down = await down_since(tx)
            return sorted((_view(method, down) for method in offered), key=lambda view: not view.works)

        return await read(found)


_t = gateway_health.c
_SEEN = insert(gateway_health).values(since=func.now(), noted_at=func.now())
_NOTE = _SEEN.on_conflict_do_update(
    index_elements=["gateway"],
    set_={
        "state": _SEEN.excluded.state,
        "since": case((_t.state == _SEEN.excluded.state, _t.since), else_=func.now()),
        "noted_at": func.now(),
    },
)


async def note_health(database: Database, gateway: str, state: Health) -> None:
    """Note what a worker sees; to be repeated while a provider is down, else the news goes stale."""
    async with database.tx() as tx:
        await tx.execute(_NOTE, {"gateway": gateway, "state": str(state)})


_HEARD = _t.noted_at > func.now() - func.make_interval(0, 0, 0, 0, 0, 0, STALE_SECONDS)
_DOWN = select(_t.gateway, _t.since).where(_t.state == Health.DOWN, _HEARD)


async def down_since(tx: Tx) -> dict[str, datetime]:
    """From when on which providers have not been answering."""
    return {row.gateway: row.since for row in await tx.rows(_DOWN)}


def _view(method: Method, down: Mapping[str, datetime]) -> MethodView:
    since = down.get(method.gateway)
    return MethodView(
        gateway=method.gateway, payment_methods=method.payment_methods, works=since is None, since=since, at_once=method.abilities.holds
    )
