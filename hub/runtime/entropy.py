"""Where randomness comes from: the operating system, unless a simulation has put its dice in its place."""

import os
from collections.abc import Callable

Source = Callable[[int], bytes]

_sources: list[Source] = [os.urandom]


def random_bytes(number: int) -> bytes:
    """So many bytes that nobody can foresee."""
    return _sources[-1](number)


def push(source: Source) -> None:
    """From now on all randomness is this source's, until `pop`. For simulations alone: keys made meanwhile are no secrets."""
    _sources.append(source)


def pop() -> None:
    """As it was before `push`."""
    _sources.pop()
