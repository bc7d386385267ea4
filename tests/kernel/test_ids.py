"""Ids say what they name, sort by birth and are UUIDs of version 7 inside."""

import random
import uuid

from hypothesis import given
from hypothesis import strategies as st

from hub.kernel.ids import ALPHABET, LENGTH, SET_BACK_MS_MAX, Ids, born, encode, first, uuid7

MILLISECONDS = st.integers(0, (1 << 48) - 1)
STAMPS = st.integers(0, (1 << 60) - 1)
ENTROPY = st.binary(min_size=8, max_size=8)


@given(st.integers(0, (1 << 128) - 1))
def test_the_number_can_be_read_back(number: int) -> None:
    prefix, text = encode("ord", number).split("_")
    read = 0
    for letter in text:
        read = read << 5 | ALPHABET.index(letter)
    assert (prefix, len(text), read) == ("ord", LENGTH, number)


@given(STAMPS, ENTROPY)
def test_the_number_is_a_uuid_of_version_7(stamp: int, entropy: bytes) -> None:
    found = uuid.UUID(int=uuid7(stamp, entropy))
    assert (found.version, found.variant) == (7, uuid.RFC_4122)
    assert found.int >> 80 == stamp >> 12


@given(STAMPS, ENTROPY, STAMPS, ENTROPY)
def test_ids_sort_by_their_stamps(one: int, its: bytes, other: int, others: bytes) -> None:
    if one != other:
        first, second = encode("ord", uuid7(one, its)), encode("ord", uuid7(other, others))
        assert (first < second) == (one < other)


@given(ENTROPY)
def test_as_much_entropy_counts_as_has_room(entropy: bytes) -> None:
    """62 of 64 bits: the variant takes the room of two."""
    flipped = {uuid7(1, (int.from_bytes(entropy) ^ 1 << bit).to_bytes(8)) for bit in range(64)}
    assert len(flipped - {uuid7(1, entropy)}) == 62


@given(st.lists(st.integers(10**12, 10**12 + SET_BACK_MS_MAX - 1), min_size=1, max_size=50), st.randoms(use_true_random=False))
def test_what_is_born_later_sorts_later_though_the_clock_is_set_back(clock: list[int], dice: random.Random) -> None:
    now = iter(clock)
    ids = Ids(lambda: next(now), dice.randbytes)
    made = [ids.new("ord") for _ in clock]
    assert made == sorted(set(made))
    assert [born(id_) for id_ in made] == [max(clock[: number + 1]) for number in range(len(clock))]


def test_a_clock_that_was_far_ahead_is_followed_back() -> None:
    now = iter([1_000_000, 4_000_000, 1_000_001, 1_000_001])
    ids = Ids(lambda: next(now), bytes)
    made = [ids.new("ord") for _ in range(4)]
    assert [born(id_) for id_ in made] == [1_000_000, 4_000_000, 1_000_001, 1_000_001]
    assert made[2] < made[3]


def test_a_millisecond_has_room_for_any_number_of_ids() -> None:
    ids = Ids(lambda: 1000, bytes)
    made = [ids.new("ord") for _ in range(5000)]
    assert made == sorted(set(made))
    assert {born(id_) for id_ in made} == {1000, 1001}, "what 4,096 do not hold is the next millisecond's"


def test_an_id_says_when_it_was_born() -> None:
    ids = Ids(lambda: 1_700_000_000_123, lambda number: b"\xff" * number)
    assert born(ids.new("ord")) == 1_700_000_000_123
    assert first("ord", 1_700_000_000_123) <= ids.new("ord") < first("ord", 1_700_000_000_124)


def test_a_source_repeats_to_the_byte() -> None:
    sources = [Ids(iter([1000, 2000, 1000]).__next__, bytes) for _ in range(2)]
    made = [[ids.new("ord"), ids.new("sub"), ids.new("ord")] for ids in sources]
    assert made[0] == made[1]
    assert made[0][0] == "ord_" + encode("x", uuid7(1000 << 12, bytes(8)))[2:]
    assert made[0][1].startswith("sub_")
