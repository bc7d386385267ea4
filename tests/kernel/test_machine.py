"""A table that cannot be a life is refused when it is written down."""

from collections.abc import Mapping
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.kernel.errors import Conflict
from hub.kernel.machine import Machine


class S(StrEnum):
    """Four states."""

    NEW = "new"
    BUSY = "busy"
    WAITING = "waiting"
    OVER = "over"


class E(StrEnum):
    """What may happen."""

    START = "start"
    PAUSE = "pause"
    END = "end"


TABLE: Mapping[tuple[S, E], S] = {
    (S.NEW, E.START): S.BUSY,
    (S.BUSY, E.PAUSE): S.WAITING,
    (S.WAITING, E.START): S.BUSY,
    (S.BUSY, E.END): S.OVER,
}


def machine(table: Mapping[tuple[S, E], S] = TABLE, ends: frozenset[S] = frozenset({S.OVER})) -> Machine[S, E]:
    return Machine("work", initial=S.NEW, ends=ends, table=table)


def without(*edges: tuple[S, E]) -> Mapping[tuple[S, E], S]:
    return {edge: to for edge, to in TABLE.items() if edge not in edges}


def test_what_the_table_says_happens() -> None:
    life = machine()
    assert life.next(S.NEW, E.START) is S.BUSY
    assert [life.allows(S.BUSY, event) for event in E] == [False, True, True]
    assert [life.is_end(state) for state in S] == [False, False, False, True]


@given(st.sampled_from(S), st.sampled_from(E))
def test_what_it_does_not_say_is_a_conflict(state: S, event: E) -> None:
    life = machine()
    if life.allows(state, event):
        assert life.next(state, event) is TABLE[state, event]
    else:
        with pytest.raises(Conflict) as refused:
            life.next(state, event)
        assert (refused.value.slug, refused.value.facts) == ("illegal_transition", {"state": str(state)})


def test_unreachable() -> None:
    with pytest.raises(ValueError, match=r"work: unreachable: \[<S.WAITING: 'waiting'>\]"):
        machine(without((S.BUSY, E.PAUSE)))


def test_stuck() -> None:
    with pytest.raises(ValueError, match=r"work: no way to an end from: \[<S.WAITING: 'waiting'>\]"):
        machine(without((S.WAITING, E.START)))


def test_an_end_with_a_way_out() -> None:
    with pytest.raises(ValueError, match=r"work: ends with a way out: \[<S.OVER: 'over'>\]"):
        machine({**TABLE, (S.OVER, E.START): S.BUSY})


def test_no_end_at_all() -> None:
    with pytest.raises(ValueError, match="no way to an end"):
        machine(ends=frozenset())


def test_the_picture() -> None:
    assert machine().mermaid().splitlines() == [
        "stateDiagram-v2",
        "    [*] --> new",
        "    new --> busy: start",
        "    busy --> waiting: pause",
        "    waiting --> busy: start",
        "    busy --> over: end",
        "    over --> [*]",
    ]
