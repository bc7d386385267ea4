"""How every call reaches Stripe: in its turn, through the breaker, under its frozen key, and looked after when it is refused."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

import stripe

from hub.gateways.stripe.breaker import Breaker
from hub.gateways.stripe.outcomes import BURNT, MISUSED, failure
from hub.gateways.stripe.pace import Pace
from hub.payments.ports import GatewayRefused, InDoubt, NotSent

T = TypeVar("T")
R = TypeVar("R", bound=stripe.StripeObject)

PAGE = 100
KEYS_MAX = 5
"""How many keys may be spoiled by Stripe's own errors before a person has to look."""


class Caller:
    """One client with its pace and breaker, shared by all that talks to Stripe."""

    def __init__(self, client: stripe.StripeClient, pace: Pace, breaker: Breaker) -> None:
        self.v1 = client.v1
        self._pace = pace
        self._breaker = breaker

    async def do(
        self,
        endpoint: str,
        key: str,
        act: Callable[[str], Awaitable[T]],
        look: Callable[[], Awaitable[T | None]],
        *,
        only_if: str | None = None,
    ) -> T:
        """Act under `key`; if that is refused, `look` whether it had been done before, and adopt what is found.

        A key under which Stripe saved its own error never answers again: then, if nothing was done, act under the next
        of a fixed chain of keys. A repetition walks the same chain, so nothing is done twice wherever it broke off.
        """
        for number in range(1, KEYS_MAX + 1):
            next_key = derived(key, number)
            try:
                return await self.ask(endpoint, lambda key=next_key: act(key))
            except GatewayRefused as refusal:
                if refusal.code == MISUSED or only_if not in {None, refusal.code}:
                    raise
                if (found := await look()) is not None:
                    return found
                if refusal.code != BURNT:
                    raise
        raise GatewayRefused(BURNT, f"the provider broke {KEYS_MAX} times over this call")

    async def ask(self, endpoint: str, call: Callable[[], Awaitable[T]]) -> T:
        """One call. Raises `InDoubt`, `NotSent` or `GatewayRefused`."""

        async def asked() -> T:
            try:
                return await call()
            except stripe.StripeError as error:
                raise failure(error) from error

        await self._pace.wait(endpoint)
        return await self._breaker.run(asked)

    async def look(self, endpoint: str, call: Callable[[], Awaitable[T]]) -> T:
        """One call after an act: not being able to look is a doubt about that act, not "not sent"."""
        try:
            return await self.ask(f"look:{endpoint}", call)
        except NotSent as error:
            raise InDoubt(str(error)) from error

    async def every(self, endpoint: str, first: Callable[[], Awaitable[stripe.ListObject[R]]]) -> AsyncIterator[R]:
        """Every object of a list, newest first, page by page. Raises like `ask`."""
        page = await self.ask(endpoint, first)
        while True:
            for one in page.data:
                yield one
            if not page.has_more:
                return
            page = await self.ask(endpoint, page.next_page_async)

    async def find(self, key: str, endpoint: str, first: Callable[[], Awaitable[stripe.ListObject[R]]]) -> R | None:
        """The one of a list that was made under `key`. Not being able to look is a doubt."""
        try:
            async for one in self.every(f"look:{endpoint}", first):
                if step_of(one) == key:
                    return one
        except NotSent as error:
            raise InDoubt(str(error)) from error
        return None


class Part:
    """What one part of the gateway has: the caller that it shares with the others."""

    def __init__(self, calls: Caller) -> None:
        self._calls = calls
        self._v1 = calls.v1


def derived(key: str, number: int) -> str:
    """The key of the `number`-th try, from 1; Stripe allows 255 characters."""
    return key if number == 1 else f"{key}.{number}"


def step_of(obj: stripe.StripeObject) -> str | None:
    """The key under which we made an object, as it stands in its metadata."""
    # Stripe's object is no mapping: `.get` would be the metadata of that name.
    return getattr(getattr(obj, "metadata", None), "step", None)


def id_of(field: str | stripe.StripeObject | None) -> str | None:
    """The id in a field that may hold the object instead."""
    return field if field is None or isinstance(field, str) else getattr(field, "id", None)
