"""An order's state for every multiset of up to three sub-orders, against a description of it written independently."""

import itertools
from collections.abc import Sequence

import pytest

from hub.orders.states import FALLEN, ORDER_ENDS, SUB_ORDER, SubOrderEvent, roll_up
from hub.orders.states import OrderState as W
from hub.orders.states import SubOrderState as S

AGREED = {S.ACCEPTED, S.RECALLING, S.SHIPPED, S.DELIVERED, S.SETTLED}
ON_THE_ROAD = {S.SHIPPED, S.DELIVERED, S.SETTLED}
THERE = {S.DELIVERED, S.SETTLED}

EVERY = [parts for size in (1, 2, 3) for parts in itertools.combinations_with_replacement(S, size)]


def described(parts: Sequence[S]) -> W:  # noqa: PLR0911  # one sentence a state
    """The order's state in words, from the outside: what is true of the parts that will still be fulfilled."""
    alive = {part for part in parts if part not in {S.DECLINED, S.CANCELED, S.EXPIRED}}
    if not alive:
        return W.EXPIRED if S.EXPIRED in parts else W.CANCELED if S.CANCELED in parts else W.DECLINED
    if alive <= {S.SETTLED}:
        return W.COMPLETED
    if alive <= THERE:
        return W.DELIVERED
    if not alive <= AGREED:
        for state in (S.PLACED, S.RESERVED, S.ROUTED):
            if state in alive:
                return W(state.value)
    if alive & THERE:
        return W.PARTIALLY_DELIVERED
    if alive <= ON_THE_ROAD:
        return W.SHIPPED
    return W.PARTIALLY_SHIPPED if alive & ON_THE_ROAD else W.CONFIRMED


def test_every_multiset_is_looked_at() -> None:
    assert len(EVERY) == 11 + 66 + 286


@pytest.mark.parametrize("size", [1, 2, 3])
def test_roll_up(size: int) -> None:
    wrong = [(parts, roll_up(parts), described(parts)) for parts in EVERY if len(parts) == size and roll_up(parts) != described(parts)]
    assert wrong == []


def test_the_order_of_parts_does_not_matter() -> None:
    assert all(roll_up(shuffled) == roll_up(parts) for parts in EVERY for shuffled in itertools.permutations(parts))


def test_parts_that_fell_out_never_hold_up_the_others() -> None:
    for parts in EVERY:
        if not set(parts) <= FALLEN:
            for gone in itertools.combinations_with_replacement(sorted(FALLEN), 2):
                assert roll_up([*parts, *gone]) == roll_up(parts)


def test_an_order_has_ended_exactly_when_all_its_parts_have() -> None:
    for parts in EVERY:
        assert (roll_up(parts) in ORDER_ENDS) == all(SUB_ORDER.is_end(part) for part in parts), parts


def test_every_state_of_an_order_can_be() -> None:
    assert {roll_up(parts) for parts in EVERY} == set(W)


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        ([S.SETTLED, S.CANCELED], W.COMPLETED),
        ([S.SETTLED, S.DECLINED, S.EXPIRED], W.COMPLETED),
        ([S.CANCELED, S.DECLINED], W.CANCELED),
        ([S.DECLINED, S.DECLINED], W.DECLINED),
        ([S.EXPIRED, S.CANCELED], W.EXPIRED),
        ([S.ACCEPTED, S.ROUTED], W.ROUTED),
        ([S.ACCEPTED, S.ACCEPTED], W.CONFIRMED),
        ([S.RECALLING, S.SHIPPED], W.PARTIALLY_SHIPPED),
        ([S.SHIPPED, S.DELIVERED], W.PARTIALLY_DELIVERED),
        ([S.ACCEPTED, S.DELIVERED], W.PARTIALLY_DELIVERED),
        ([S.DELIVERED, S.SETTLED], W.DELIVERED),
    ],
)
def test_what_the_buyer_sees(parts: list[S], whole: W) -> None:
    assert roll_up(parts) == whole


def test_goods_that_have_left_cannot_be_declined_or_canceled() -> None:
    for state in ON_THE_ROAD:
        assert not any(SUB_ORDER.allows(state, event) for event in (SubOrderEvent.DECLINE, SubOrderEvent.CANCEL, SubOrderEvent.EXPIRE))


def test_after_acceptance_nothing_expires_and_only_the_buyer_cancels() -> None:
    assert {event for event in SubOrderEvent if SUB_ORDER.allows(S.ACCEPTED, event)} == {
        SubOrderEvent.RECALL,
        SubOrderEvent.SHIP,
        SubOrderEvent.CANCEL,
    }
