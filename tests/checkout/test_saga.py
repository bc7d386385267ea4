"""Every kind of order is a list of steps that somebody performs, each with what undoes it."""

import pytest

from hub.checkout.saga import PHYSICAL, SAGAS
from hub.kernel.saga import Each, Nothing, Saga
from hub.runtime.steps import HUB_TARGET
from hub.worker.dispatch import PERFORM
from vendor_sdk.messages import ANSWERS, COMMANDS

ALL = [pytest.param(saga, id=kind) for kind, saga in SAGAS.items()]


def test_physical() -> None:
    assert [(stage.name, stage.each, stage.do, stage.undo if isinstance(stage.undo, str) else None) for stage in PHYSICAL.stages] == [
        ("screen", Each.WHOLE, "risk.screen", None),
        ("reserve", Each.PART, "stock.reserve", "stock.release"),
        ("authorize", Each.WHOLE, "payment.authorize", "payment.void"),
        ("route", Each.PART, "orders.submit", "orders.recall"),
        ("capture", Each.WHOLE, "payment.capture", None),
    ]


@pytest.mark.parametrize("saga", ALL)
def test_kinds_are_found_by_name(saga: Saga) -> None:
    assert SAGAS[saga.kind] is saga


@pytest.mark.parametrize("saga", ALL)
def test_everything_before_the_last_stage_can_be_undone(saga: Saga) -> None:
    """A stage without an undo before the point of no return could not be taken back when a later one fails."""
    looks_only = {"risk.screen"}
    assert [stage.name for stage in saga.stages[:-1] if isinstance(stage.undo, Nothing) and stage.do not in looks_only] == []


@pytest.mark.parametrize("saga", ALL)
def test_vendors_do_parts_and_the_hub_does_wholes(saga: Saga) -> None:
    inline = {"risk.screen"}
    """Decided where it stands, without a step."""
    for stage in saga.stages:
        kinds = {stage.do, stage.undo} - inline if isinstance(stage.undo, str) else {stage.do} - inline
        known = COMMANDS.keys() if stage.each is Each.PART else PERFORM.keys()
        assert kinds <= known, f"{stage.name}: nobody performs {kinds - known} ({HUB_TARGET} or a vendor)"


def test_every_command_has_answers() -> None:
    assert COMMANDS.keys() == ANSWERS.keys()
