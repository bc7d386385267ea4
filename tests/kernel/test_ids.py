"""Ids say what they name, sort by birth and are UUIDs of version 7 inside."""

import uuid

from hypothesis import given
from hypothesis import strategies as st

from hub.kernel.ids import ALPHABET, LENGTH, Ids, encode, uuid7

MILLISECONDS = st.integers(0, (1 << 48) - 1)
ENTROPY = st.binary(min_size=10, max_size=10)


@given(st.integers(0, (1 << 128) - 1))
def test_the_number_can_be_read_back(number: int) -> None:
    prefix, text = encode("ord", number).split("_")
    read = 0
    for letter in text:
        read = read << 5 | ALPHABET.index(letter)
    assert (prefix, len(text), read) == ("ord", LENGTH, number)


@given(MILLISECONDS, ENTROPY)
def test_the_number_is_a_uuid_of_version_7(unix_ms: int, entropy: bytes) -> None:
    found = uuid.UUID(int=uuid7(unix_ms, entropy))
    assert (found.version, found.variant) == (7, uuid.RFC_4122)
    assert found.int >> 80 == unix_ms


@given(MILLISECONDS, ENTROPY, MILLISECONDS, ENTROPY)
def test_ids_sort_by_birth(one: int, its: bytes, other: int, others: bytes) -> None:
    if one != other:
        first, second = encode("ord", uuid7(one, its)), encode("ord", uuid7(other, others))
        assert (first < second) == (one < other)


@given(ENTROPY)
def test_as_much_entropy_counts_as_has_room(entropy: bytes) -> None:
    """74 of 80 bits: version and variant take the room of six."""
    flipped = {uuid7(1, (int.from_bytes(entropy) ^ 1 << bit).to_bytes(10)) for bit in range(80)}
    assert len(flipped - {uuid7(1, entropy)}) == 74


def test_a_source_repeats_to_the_byte() -> None:
    now = iter([1000, 2000, 1000])
    ids = Ids(lambda: next(now), bytes)
    first, second, again = ids.new("ord"), ids.new("sub"), ids.new("ord")
    assert first == again == "ord_" + encode("x", uuid7(1000, bytes(10)))[2:]
    assert second.startswith("sub_")
