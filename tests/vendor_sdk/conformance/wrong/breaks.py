"""Which wrong adapter breaks which rule."""

from collections.abc import Callable
from typing import TypeVar

from tests.vendor_sdk.shop.stage import Inside

A = TypeVar("A", bound=type[Inside])

WRONG: dict[str, type[Inside]] = {}


def breaks(rule: str) -> Callable[[A], A]:
    """This adapter breaks this rule and no other."""

    def add(adapter: A) -> A:
        assert rule not in WRONG
        WRONG[rule] = adapter
        return adapter

    return add
