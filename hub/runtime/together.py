"""Owns how requests of one kind are done: all that wait in one transaction, each as if it were alone."""

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Generic, Literal, TypeVar

import msgspec
import structlog
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from hub.kernel.errors import Refusal, Unavailable
from hub.runtime import idempotency
from hub.runtime.batch import Batch
from hub.runtime.database import Database, Tx
from hub.runtime.idempotency import LOCK_NOT_AVAILABLE, WAIT_MS, Answer, Asker
from hub.runtime.trace import current

MOST = 64
"""Requests in one transaction."""
LANES = 2
"""Such transactions side by side where none waits for another: while PostgreSQL does the one, this process does the other."""
TOGETHER_MS = 250
"""How long it waits for a row that somebody else has locked: as long the next wait too."""
SHUTDOWN = "57P"
"""Class of SQLSTATEs with which PostgreSQL ends a connection (its manual, appendix A)."""
CREATED = 201
log = structlog.get_logger("together")
_encoder = msgspec.json.Encoder()

W = TypeVar("W")
K = TypeVar("K")
Locked = Literal["first", "last"]
"""When rows that many want are locked: when they are read, or when all is made and nothing is left but to write it."""


class Duty(ABC, Generic[W, K]):
    """One kind of request: what is to be known for it, and what it does."""

    locks = False
    """Whether it waits for rows that others have locked; then one transaction at a time, for the next would wait for the same."""

    @abstractmethod
    async def look_up(self, tx: Tx, wanted: Sequence[W], locked: Locked, /) -> K:
        """What is to be known for all of these, read once, and locked in an order that is the same everywhere."""

    @abstractmethod
    async def one(self, tx: Tx, known: K, wanted: W) -> object:
        """Do it, as a member of the transaction; what is answered. Raises `Refusal`, best before anything is written."""

    async def keep(self, tx: Tx, known: K) -> None:
        """Lock what is locked last, and write what has come together in `known`; most have nothing. Raises `Moved`."""


class Moved(Exception):
    """What was read, and not locked, is no longer so, and what was made of it cannot be kept."""


class Spoiled(Exception):
    """Somebody was refused who had already written: the transaction of all cannot be kept."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal)
        self.refusal = refusal


class Together(Generic[W, K]):
    """Does one kind of request for one process.

    A refusal takes nothing from the others. What ends the whole transaction (a twin that was faster elsewhere, a row that
    somebody keeps, a defect) is done again by each asker alone, so that the next are not kept waiting; with the connection lost
    nobody knows whether it is done, and nobody is told that it is.
    """

    def __init__(self, database: Database, duty: Duty[W, K], *, wait_ms: int = WAIT_MS) -> None:
        """Where the duty locks, or there is a key, who is alone waits at most `wait_ms` for what somebody else has locked."""
        self._database = database
        self._duty = duty
        self._wait_ms = wait_ms
        self._batch = Batch[tuple[Asker, W], Answer | None](self._try_together, most=MOST, lanes=1 if duty.locks else LANES)

    async def __call__(self, asker: Asker, wanted: W) -> Answer:
        """What is answered, or what was answered to the same key before. Raises as the duty does."""
        return await self._batch((asker, wanted)) or await self._alone((asker, wanted))

    async def _try_together(self, wishes: Sequence[tuple[Asker, W]]) -> Sequence[Answer | Refusal | None]:
        """What came of each; None for all if each has to try alone."""
        current.set(None)  # what is logged here is no asker's own
        try:
            if len(wishes) > 1:
                with contextlib.suppress(Moved):
                    return await self._together(wishes, TOGETHER_MS, "last")
            return await self._together(wishes, TOGETHER_MS)
        except Exception as error:
            if _is_away(error):
                raise
            log.info("together.each_alone", duty=type(self._duty).__name__, of=len(wishes), error=repr(error))
            return [None] * len(wishes)

    async def _alone(self, wish: tuple[Asker, W], *, again: bool = False) -> Answer:
        claim = wish[0].claim
        try:
            came = (await self._together([wish], self._wait_ms))[0]
        except Spoiled as spoiled:
            raise spoiled.refusal from None
        except IntegrityError:
            if claim is None or again:
                raise
            return await self._alone(wish, again=True)  # a twin was faster: its answer is there now
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", "") != LOCK_NOT_AVAILABLE:
                raise
            if claim is not None:
                raise idempotency.in_use() from None
            raise Unavailable("busy", "others are doing the same; try again") from None
        if isinstance(came, Refusal):
            raise came
        return came

    async def _together(self, wishes: Sequence[tuple[Asker, W]], wait_ms: int, locked: Locked = "first") -> list[Answer | Refusal]:
        async with self._database.tx() as tx:
            if self._duty.locks or any(asker.claim is not None for asker, _ in wishes):
                await tx.wait_at_most(wait_ms)
            known = await self._duty.look_up(tx, [wanted for _, wanted in wishes], locked)
            answers = await idempotency.answers(tx, [asker for asker, _ in wishes])  # after the locks: a twin's is there by then
            said: list[Answer | Refusal] = []
            for asker, wanted in wishes:
                member = tx.member(asker.actor, asker.trace)
                try:
                    answer = answers.to(asker) or await self._one(member, known, wanted)
                except Refusal as refusal:
                    if member.wrote:
                        raise Spoiled(refusal) from refusal
                    said.append(refusal)
                else:
                    answers.keep(member, asker, answer)
                    tx.take_in(member)
                    said.append(answer)
            await self._duty.keep(tx, known)
            return said

    async def _one(self, tx: Tx, known: K, wanted: W) -> Answer:
        return Answer(CREATED, _encoder.encode(await self._duty.one(tx, known, wanted)))


def _is_away(error: Exception) -> bool:
    """Whether PostgreSQL is: then nobody knows what it has done, and to ask it for each would take as long for each."""
    if not isinstance(error, DBAPIError):
        return isinstance(error, OSError | PoolTimeoutError)
    return error.connection_invalidated or getattr(error.orig, "sqlstate", "").startswith(SHUTDOWN)
