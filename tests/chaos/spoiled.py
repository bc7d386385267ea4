"""Three hubs that do one thing wrong, each by a wrapper around its provider: what the runs must notice."""

import secrets
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from hub.payments.ports import InDoubt
from tests.chaos.proof import MADE_BY
from tests.chaos.trouble import ACTS

Act = Callable[..., Awaitable[Any]]


class Spoiled:
    """A provider of which some calls are spoiled; the rest is its own."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        """What acts or finds by a key may be spoiled."""
        found = getattr(self._inner, name)
        return self.spoil(name, found) if name in ACTS or name.startswith("find_") else found

    def spoil(self, name: str, act: Act) -> Act:
        """The call, done wrong."""
        raise NotImplementedError


class NoFrozenKey(Spoiled):
    """A new key for every try, as the client makes one by itself where none is given."""

    def spoil(self, name: str, act: Act) -> Act:
        """Under any key."""
        del name

        async def acted(key: str, *args: Any, **named: Any) -> Any:
            return await act(f"{key}{MADE_BY}{secrets.token_hex(4)}", *args, **named)

        return acted


class BumpsOnDoubt(Spoiled):
    """A new attempt, with a key of its own, after every time-out: as if no answer were a no."""

    def __init__(self, inner: Any) -> None:
        super().__init__(inner)
        self._tries: Counter[str] = Counter()

    def spoil(self, name: str, act: Act) -> Act:
        """Under the key of the present try."""
        del name

        async def acted(key: str, *args: Any, **named: Any) -> Any:
            try:
                return await act(f"{key}{MADE_BY}{self._tries[key]}", *args, **named)
            except InDoubt:
                self._tries[key] += 1
                raise

        return acted


class NeverLooks(Spoiled):
    """The right keys, but nothing is looked up before it is asked again: after a day the provider has forgotten them."""

    def spoil(self, name: str, act: Act) -> Act:
        """Nothing is ever found."""

        async def nothing(*_: Any, **__: Any) -> None:
            return None

        return nothing if name.startswith("find_") else act
