"""Ids that say what they name and sort by birth: a prefix and a UUIDv7 (RFC 9562) in Crockford's base 32."""

from collections.abc import Callable

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
LENGTH = 26
SET_BACK_MS_MAX = 10_000
"""By how much a clock may be set back while ids go on growing."""
_PAIRS = [first + second for first in ALPHABET for second in ALPHABET]
_LOW = (1 << 60) - 1


def encode(prefix: str, number: int) -> str:
    """``<prefix>_<26 characters>`` of a 128-bit number."""
    pairs, high, low = _PAIRS, number >> 60, number & _LOW  # in two halves, and without a loop: every row has an id
    return (
        f"{prefix}_{pairs[high >> 60]}{pairs[high >> 50 & 1023]}{pairs[high >> 40 & 1023]}{pairs[high >> 30 & 1023]}"
        f"{pairs[high >> 20 & 1023]}{pairs[high >> 10 & 1023]}{pairs[high & 1023]}{pairs[low >> 50]}{pairs[low >> 40 & 1023]}"
        f"{pairs[low >> 30 & 1023]}{pairs[low >> 20 & 1023]}{pairs[low >> 10 & 1023]}{pairs[low & 1023]}"
    )


def uuid7(stamp: int, entropy: bytes) -> int:
    """The 128 bits of a version 7 UUID; `stamp` is a unix millisecond and 12 bits more, `entropy` eight random bytes."""
    return (stamp >> 12) << 80 | 0x7 << 76 | (stamp & 0xFFF) << 64 | 0b10 << 62 | int.from_bytes(entropy[:8]) & (1 << 62) - 1


def first(prefix: str, unix_ms: int) -> str:
    """The smallest id of a millisecond: what was born before it sorts before."""
    return encode(prefix, unix_ms << 80)


def born(id_: str) -> int:
    """The unix millisecond in which an id was made. Raises `ValueError` for what is no id."""
    number = 0
    for character in id_.rpartition("_")[2]:
        number = number << 5 | ALPHABET.index(character)
    return number >> 80


class Ids:
    """A source of new ids, each greater than the one before; clock and entropy are given, so that a simulation repeats to the byte.

    Within a millisecond, and while the clock is set back a little, the 12 bits below it count (RFC 9562, 6.2, method 1 and what it
    says of rollovers). A clock that is set back by more was wrong before, and is followed.
    """

    def __init__(self, unix_ms: Callable[[], int], entropy: Callable[[int], bytes]) -> None:
        self._unix_ms = unix_ms
        self._entropy = entropy
        self._stamp = 0

    def new(self, prefix: str) -> str:
        """A fresh id such as ``ord_01k…``."""
        stamp = self._unix_ms() << 12
        self._stamp = self._stamp + 1 if 0 <= self._stamp - stamp < SET_BACK_MS_MAX << 12 else stamp
        return encode(prefix, uuid7(self._stamp, self._entropy(8)))
