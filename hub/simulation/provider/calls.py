"""How a process's calls reach the simulated provider: late, twice in doubt, or not at all; and its process may die around each."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, ParamSpec, TypeVar

from hub.payments.ports import GatewayRefused, InDoubt, NotSent
from hub.simulation.process import Process
from hub.simulation.provider.server import Provider

P = ParamSpec("P")
T = TypeVar("T")

FAILURES_MAX = 10
RESTS = 15.0
"""The circuit opens after so many failures in a row and lets the next call through so many seconds later, as Stripe's does."""

RATE_LIMIT_SECONDS = 1.0
SOONEST = 0.02
SLOW = 0.5


class Calls:
    """Everything one process asks of the provider. `latency` is the usual seconds of a call, 0 for at once; `patience` is the longest."""

    def __init__(self, provider: Provider, process: Process, latency: float, patience: float) -> None:
        self._provider = provider
        self._process = process
        self._nature = provider.nature
        self._latency = latency
        self._patience = patience
        self._dice = provider.nature.dice("provider latency")
        self._failed = 0
        self._failed_at = 0.0

    @property
    def open(self) -> bool:
        """Whether the circuit is open: nothing is asked."""
        return self._failed >= FAILURES_MAX and self._nature.unix() < self._failed_at + RESTS

    async def do(self, what: str, act: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """A call that acts. Raises `InDoubt`, `NotSent`, `GatewayRefused`, and `Crashed` right before and right after it acts."""
        self._process.effect(what)
        try:
            return await self._ask(what, partial(act, *args, **kwargs))
        finally:
            self._process.effect(what)

    async def look(self, what: str, act: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """A call that changes nothing. Raises the same."""
        self._process.effect(what)
        return await self._ask(what, partial(act, *args, **kwargs))

    async def find(self, what: str, act: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """A look whose failure is a doubt about an act."""
        try:
            return await self.look(what, act, *args, **kwargs)
        except NotSent as error:
            raise InDoubt(str(error)) from error

    async def _ask(self, what: str, act: "partial[T]") -> T:
        if self._failed >= FAILURES_MAX and self.open:
            left = self._failed_at + RESTS - self._nature.unix()
            raise NotSent("the payment provider is not answering", retry_after=left)
        try:
            answer = await self._exchange(act)
        except (InDoubt, NotSent) as error:
            self._failed += 1
            self._failed_at = self._nature.unix()
            self._tell(what, act, error)
            raise
        except GatewayRefused as no:
            self._failed = 0
            self._tell(what, act, f"refused as {no.code}")
            raise
        self._failed = 0
        self._tell(what, act, answer)
        return answer

    def _tell(self, what: str, act: "partial[T]", said: object) -> None:
        if self._nature.telling:
            said = repr(said) if isinstance(said, Exception) else said
            self._nature.tell(f"{self._process.name} {what}{_asked(act)}: {said}")

    async def _exchange(self, act: "partial[T]") -> T:
        strikes = self._nature.strikes
        if self._provider.down:
            await self._go_unanswered(act)
        if strikes("provider_unreachable"):
            raise NotSent("not connected")
        if strikes("provider_rate_limits"):
            raise NotSent("too many requests", retry_after=RATE_LIMIT_SECONDS)
        if strikes("provider_request_lost"):
            await self._wait_in_vain()
            raise InDoubt("no answer")
        await self._travel(act)
        self._provider.arrive()
        try:
            answer = act()
        except GatewayRefused:
            if strikes("provider_answer_lost"):
                await self._wait_in_vain()
                raise InDoubt("no answer") from None
            raise
        if strikes("provider_answer_lost"):
            await self._wait_in_vain()
            raise InDoubt("no answer")
        return answer

    async def _travel(self, act: "partial[Any]") -> None:
        """Until the request acts. Who is canceled meanwhile has sent it already: it may arrive all the same."""
        slow = self._nature.strikes("provider_slow")
        if not self._latency and not slow:
            return
        seconds = self._nature.seconds("provider slow", SLOW, 3 * self._patience) if slow else self._latency * (0.5 + self._dice.random())
        if seconds > self._patience:
            asyncio.get_running_loop().call_later(seconds, self._act_alone, act)
            await asyncio.sleep(self._patience)
            raise InDoubt("no answer in time")
        try:
            await self._nature.sleep(seconds)
        except asyncio.CancelledError:
            if self._nature.dice("provider in flight").randrange(2):
                self._act_alone(act)
            raise

    async def _go_unanswered(self, act: "partial[Any]") -> None:
        """While the provider is down: no connection, no answer, or an act that nobody tells of."""
        throw = self._nature.dice("provider down").randrange(4)
        if throw < 2:  # noqa: PLR2004  # half of the calls
            raise NotSent("not connected")
        if throw == 2:  # noqa: PLR2004  # a quarter of them
            self._act_alone(act)
        await self._wait_in_vain()
        raise InDoubt("no answer")

    async def _wait_in_vain(self) -> None:
        if self._latency:
            await self._nature.wait("provider cut", SOONEST, self._patience)

    def _act_alone(self, act: "partial[Any]") -> None:
        """The request acts, and nobody hears what came of it."""
        self._provider.arrive()
        if self._nature.telling:
            self._nature.tell(f"provider: acts{_asked(act)}, and nobody will hear what came of it")
        try:
            act()
        except GatewayRefused:
            return


def _asked(act: "partial[Any]") -> tuple[object, ...]:
    """What a story can tell of a call: its key and its parameters."""
    return tuple(arg for arg in act.args if arg is None or isinstance(arg, (str, int)))
