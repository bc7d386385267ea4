"""Ids that say what they name and sort by birth: a prefix and a UUIDv7 (RFC 9562) in Crockford's base 32."""

from collections.abc import Callable

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
LENGTH = 26
_PAIRS = [first + second for first in ALPHABET for second in ALPHABET]


def encode(prefix: str, number: int) -> str:
    """``<prefix>_<26 characters>`` of a 128-bit number."""
    return f"{prefix}_" + "".join([_PAIRS[(number >> shift) & 1023] for shift in range(120, -1, -10)])


def uuid7(unix_ms: int, entropy: bytes) -> int:
    """The 128 bits of a version 7 UUID; `entropy` is ten random bytes."""
    noise = int.from_bytes(entropy[:10])
    return (unix_ms & (1 << 48) - 1) << 80 | 0x7 << 76 | (noise >> 68 & 0xFFF) << 64 | 0b10 << 62 | noise & (1 << 62) - 1


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
    """A source of new ids; clock and entropy are given, so that a simulation repeats to the byte."""

    def __init__(self, unix_ms: Callable[[], int], entropy: Callable[[int], bytes]) -> None:
        self._unix_ms = unix_ms
        self._entropy = entropy

    def new(self, prefix: str) -> str:
        """A fresh id such as ``ord_01k…``."""
        return encode(prefix, uuid7(self._unix_ms(), self._entropy(10)))
