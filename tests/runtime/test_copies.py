"""Copies are bounded in number and in age."""

import pytest
from litestar import Request
from litestar.datastructures import State

from hub.runtime import copies
from hub.runtime.copies import BESIDE, Copies, key_of


def request(path: bytes, query: bytes = b"") -> Request[None, None, State]:
    return Request[None, None, State]({"type": "http", "method": "GET", "raw_path": path, "query_string": query})  # pyright: ignore[reportArgumentType]  # as much of a scope as is looked at


async def test_what_was_asked_for_the_longest_ago_goes_first():
    kept = Copies(60, bytes_max=2 * (BESIDE + 10))
    await kept.set("a", b"a" * 10)
    await kept.set("b", b"b" * 10)
    assert await kept.get("a") == b"a" * 10
    await kept.set("c", b"c" * 10)
    assert [await kept.exists(key) for key in "abc"] == [True, False, True]
    await kept.delete("a")
    await kept.delete("a")
    assert await kept.get("a") is None
    await kept.delete_all()
    assert await kept.get("c") is None


async def test_what_is_larger_than_all_there_is_room_for_is_not_kept():
    kept = Copies(60, bytes_max=BESIDE + 10)
    await kept.set("small", "s" * 10)
    await kept.set("large", "l" * 11)
    assert (await kept.get("small"), await kept.get("large")) == (b"s" * 10, None)


async def test_with_no_time_to_live_nothing_is_kept():
    kept = Copies(0)
    await kept.set("a", b"a")
    assert await kept.get("a") is None


@pytest.mark.parametrize(
    "other",
    [
        request(b"/v1/search", b"q=b"),
        request(b"/v1/search%3Fq=a"),
        request(b"/v1/search", b"q=a&limit=1"),
        request(b"/v1/products/a", b"q=a"),
    ],
)
def test_another_request_has_another_key(other: Request[None, None, State]):
    assert key_of(other) != key_of(request(b"/v1/search", b"q=a")) == key_of(request(b"/v1/search", b"q=a"))


def test_a_key_is_short_however_long_the_request_is():
    assert len(key_of(request(b"/v1/search", b"x=" + b"y" * 60_000))) == len(key_of(request(b"/v1/search")))
    assert copies.config().key_builder is key_of
