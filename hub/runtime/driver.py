"""asyncpg's connection: what it is opened with, and what it says with its BEGIN, so that it costs no round trip of its own."""

from asyncpg import Connection

IDLE_MS = "15000"
"""A process that stops in the middle of a transaction loses it then, and with it the locks that all others wait for."""

TRANSACTION_MS = "60000"
"""The same for one that stops in the middle of a statement (asyncpg flushes before it syncs): PostgreSQL does not call that idle."""

_TIMEOUTS = {"idle_in_transaction_session_timeout": IDLE_MS, "transaction_timeout": TRANSACTION_MS}
SESSION = {"default_transaction_isolation": "read committed", **_TIMEOUTS}

KEPT = {"statement_cache_size": 500, "max_cacheable_statement_size": 0}
"""Prepared statements that a connection keeps, however long: what a transaction writes at its end is."""

BEGIN = "BEGIN"


class Driver(Connection):
    """What `with_begin` says is said once, in the same message as the next BEGIN."""

    with_begin = ""

    async def execute(self, query: str, *args: object, timeout: float | None = None) -> str:  # noqa: ASYNC109  # asyncpg's signature
        """As asyncpg does."""
        if query.startswith(BEGIN) and self.with_begin:
            query, self.with_begin = f"{query} {self.with_begin}", ""
        return await super().execute(query, *args, timeout=timeout)
