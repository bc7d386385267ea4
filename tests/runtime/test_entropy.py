"""Names are not given twice."""

from hub.runtime.entropy import Reserve


def test_a_reserve_gives_what_is_asked_and_nothing_twice() -> None:
    reserve = Reserve(64)
    given = [reserve(10) for _ in range(1000)]
    assert {len(each) for each in given} == {10}
    assert len(set(given)) == 1000
    assert len(reserve(64)) == 64
