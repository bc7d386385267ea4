"""What a world came to, ready to be judged: every row by table, the provider's own records, what vendors have in their houses."""

from collections import defaultdict, namedtuple
from collections.abc import Callable, Hashable, Iterable
from typing import Any, TypeVar

from hub.simulation.world import World

K = TypeVar("K", bound=Hashable)

ORDER_ENDS = ("completed", "declined", "canceled", "expired")
FALLEN = ("declined", "canceled", "expired")
LIVING = ("placed", "reserved", "routed", "accepted", "recalling")
GONE = ("shipped", "delivered", "settled")


class Facts:
    """Read once, when the world is at rest."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.provider = world.provider
        self.currency = world.currency
        self._tables: dict[str, list[Any]] = {}
        self.orders = {order.id: order for order in self.rows("orders")}
        self.sub_orders = {sub.id: sub for sub in self.rows("sub_orders")}
        self.parts = grouped(self.rows("sub_orders"), lambda sub: sub.order_id)
        self.lines = grouped(self.rows("lines"), lambda line: line.sub_order_id)
        self.lettered = {letter.step_id for letter in self.rows("dead_letters")}
        self.given_up = {step.saga_id: step for step in self.rows("steps") if step.state == "dead"}
        """Orders of which a step died: they are an operator's."""

    def rows(self, name: str) -> list[Any]:
        """A table's rows, in the order in which they were written."""
        if name not in self._tables:
            table = self.world.memory.tables[name]
            shape = namedtuple(name, table.columns)  # noqa: PYI024  # pyright: ignore[reportUntypedNamedTuple]  # made of a table's columns
            self._tables[name] = [shape._make(row) for row in table.rows.values()]
        return self._tables[name]

    def balance(self, *words: str) -> int:
        """What an account holds by its postings."""
        account = ":".join(words)
        return self.balances().get(account, 0)

    def balances(self) -> dict[str, int]:
        """Every account by its postings."""
        if not hasattr(self, "_balances"):
            self._balances: dict[str, int] = defaultdict(int)
            for posting in self.rows("ledger_postings"):
                self._balances[posting.source] -= posting.amount
                self._balances[posting.destination] += posting.amount
        return self._balances


def grouped(rows: Iterable[Any], by: Callable[[Any], K]) -> dict[K, list[Any]]:
    """Rows by something of theirs."""
    found: dict[K, list[Any]] = {}
    for row in rows:
        found.setdefault(by(row), []).append(row)
    return found
