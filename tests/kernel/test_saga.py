"""A saga's list is checked when it is written down; where it goes next is a table."""

import itertools

import pytest

from hub.kernel.saga import Decision, Each, Nothing, Progress, Saga, Stage, decide

W, D, F = Progress.WAITING, Progress.DONE, Progress.FAILED
WAIT, FORWARD, BACK = Decision.WAIT, Decision.FORWARD, Decision.BACK

CHECK = Stage(name="check", each=Each.WHOLE, do="check", undo=Nothing("looks only"))
HOLD = Stage(name="hold", each=Each.PART, do="hold", undo="let_go")
PAY = Stage(name="pay", each=Each.WHOLE, do="pay", undo="give_back")


@pytest.mark.parametrize(
    ("progress", "whole", "part"),
    [
        ([], BACK, BACK),
        ([W], WAIT, WAIT),
        ([D], FORWARD, FORWARD),
        ([F], BACK, BACK),
        ([W, D], WAIT, WAIT),
        ([D, D], FORWARD, FORWARD),
        ([F, D], BACK, FORWARD),
        ([F, W], BACK, WAIT),
        ([F, F], BACK, BACK),
        ([F, W, D], BACK, WAIT),
        ([F, F, D], BACK, FORWARD),
    ],
)
def test_decide(progress: list[Progress], whole: Decision, part: Decision) -> None:
    for order in itertools.permutations(progress):
        assert (decide(Each.WHOLE, order), decide(Each.PART, order)) == (whole, part)


def test_the_way_and_the_way_back() -> None:
    saga = Saga("box", CHECK, HOLD, PAY)
    assert [saga.after("check"), saga.after("hold"), saga.after("pay")] == [HOLD, PAY, None]
    assert saga.stage("hold") is HOLD
    assert [saga.undo_of(do) for do in ("check", "hold", "pay", "let_go")] == [None, "let_go", "give_back", None]


def test_lists_that_are_no_saga() -> None:
    with pytest.raises(ValueError, match="distinct"):
        Saga("empty")
    with pytest.raises(ValueError, match="distinct"):
        Saga("twice", CHECK, CHECK)
    with pytest.raises(ValueError, match="must say why"):
        Saga("silent", Stage(name="check", each=Each.WHOLE, do="check", undo=Nothing("")))
