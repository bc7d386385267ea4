"""The database server: its tables, its locks, and what was committed, which outlives every process."""

from datetime import datetime
from typing import Any

from sqlalchemy import MetaData

from hub.simulation.nature import Nature
from hub.simulation.postgres.by_hand import allocated_wholly
from hub.simulation.postgres.plans import Plans
from hub.simulation.postgres.tables import Table
from hub.simulation.postgres.views import Locks, View


class Memory:
    """One server. Nothing of it is lost by a crash of those who talk to it."""

    def __init__(self, metadata: MetaData, nature: Nature) -> None:
        self.nature = nature
        self.tables = {table.name: Table(table) for table in metadata.sorted_tables}
        self.plans = Plans(self.tables)
        self.advisory: Locks = {}
        self.down = False
        self.random = nature.dice("postgres random()").random
        self.spell = nature.spell()
        """Of what any statement may meet."""
        self.statements = 0
        """How many were run, in all."""
        steps = self.tables["steps"].position
        self.due = self.tables["steps"].sort(steps["due_at"], (steps["state"], "open"))

    def now(self) -> datetime:
        """The server's clock."""
        return self.nature.now()

    def commit(self, view: View) -> None:
        """Make a transaction everybody's. Raises `Violation` by what is checked last."""
        written: dict[Any, Any] = view.writes
        allocated_wholly(self, view)
        for table, writes in written.items():
            table.commit(writes)

    def let_go(self) -> None:
        """Forget every row: nobody asks any more, and a collector would take longer to find out."""
        for table in self.tables.values():
            table.rows.clear()
            for index in table.indexes.values():
                index.buckets.clear()
