"""Cuts a world's story down to those whom a breach names: their order, its parts and steps, and the faults that met them."""

import re
from collections.abc import Iterable, Sequence

from hub.simulation.world import World

_ID = re.compile(r"\b[a-z]+_[0-9a-hjkmnp-tv-z]{26}\b")
_PROVIDERS = re.compile(r"\b(?:pi|ch|tr|trr|re|dp|po)_\d+\b")
_ALWAYS = (" crashes at ", " stands still", " goes on", " starts", "fault: broker_down", "fault: broker_up", "fault: broker_wiped")
_ALWAYS_TOO = ("fault: broker_restored", "fault: database_away", "fault: provider_away")
_ASKS = ("quote", "order", "cancel", "pay another way", "refund")
ORDERS_MAX = 2
"""Of those that the breaches name: more of them tell the same once more."""


def about(world: World, breaches: Sequence[str]) -> list[str]:
    """The lines that matter; all of them where no breach names an order."""
    orders = _orders(world, breaches)
    if not orders:
        return world.nature.story
    names = _names(world, orders)
    asked = [f" {what} {placing.number} (" for placing in world.placings if placing.quote_id in names for what in _ASKS]
    lines: list[str] = []
    waiting: list[str] = []
    for line in world.nature.story:
        if "fault: " in line and not any(word in line for word in (*_ALWAYS, *_ALWAYS_TOO)):
            waiting.append(line)  # a fault is told right before whom it strikes
            continue
        mine = any(word in names for word in (*_ID.findall(line), *_PROVIDERS.findall(line))) or any(each in line for each in asked)
        mine = mine and "provider.events(" not in line  # lists everybody's
        if mine:
            moment = line.split(maxsplit=1)[0]
            lines += [fault for fault in waiting[-3:] if fault.split(maxsplit=1)[0] == moment]
        if mine or any(word in line for word in (*_ALWAYS, *_ALWAYS_TOO)):
            lines.append(line)
        waiting.clear()
    return lines


def _orders(world: World, breaches: Iterable[str]) -> list[str]:
    """The first orders that the breaches name, be it by one of their parts."""
    home: dict[str, str] = {}
    for name in ("sub_orders", "payments", "refunds", "reversals", "transfers", "disputes", "steps"):
        table = world.memory.tables[name]
        at = table.position
        owner = at["saga_id"] if name == "steps" else at["order_id"]
        for row in table.rows.values():
            if row[owner]:
                home[row[at["id"]]] = row[owner]
    found: dict[str, None] = {}
    for breach in breaches:
        for word in _ID.finditer(breach):
            order = home.get(word[0], word[0])
            if order in world.memory.tables["orders"].rows:
                found[order] = None
    return list(found)[:ORDERS_MAX]


def _names(world: World, orders: Sequence[str]) -> dict[str, None]:
    """Everything that these orders are called by: parts, steps, payments, what the provider calls them."""
    names: dict[str, None] = dict.fromkeys(orders)
    table = world.memory.tables["orders"]
    names |= dict.fromkeys(table.rows[order][table.position["quote_id"]] for order in orders)
    for name in ("sub_orders", "payments", "refunds", "reversals", "transfers", "disputes", "steps"):
        table = world.memory.tables[name]
        at = table.position
        owner = at["saga_id"] if name == "steps" else at["order_id"]
        for row in table.rows.values():
            if row[owner] in orders:
                names |= dict.fromkeys(str(row[at[column]]) for column in ("id", "reference", "charge") if column in at and row[at[column]])
    return names
