"""Where randomness comes from: the operating system, unless a simulation has put its dice in its place."""

import os
from collections.abc import Callable

Source = Callable[[int], bytes]

_sources: list[Source] = [os.urandom]


def random_bytes(number: int) -> bytes:
    """So many bytes that nobody can foresee."""
    return _sources[-1](number)


class Reserve:
    """Bytes of the operating system that name things and guard nothing: fetched many at once, for to ask costs more than to get."""

    def __init__(self, size: int = 4096) -> None:
        self._size = size
        self._left = b""
        self._at = 0

    def __call__(self, number: int) -> bytes:
        """So many, none of them twice; at most `size`."""
        assert number <= self._size, number
        if self._at + number > len(self._left):
            self._left, self._at = os.urandom(self._size), 0
        self._at += number
        return self._left[self._at - number : self._at]


def push(source: Source) -> None:
    """From now on all randomness is this source's, until `pop`. For simulations alone: keys made meanwhile are no secrets."""
    _sources.append(source)


def pop() -> None:
    """As it was before `push`."""
    _sources.pop()
