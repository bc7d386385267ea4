"""A saga as a list of stages, each beside what undoes it, and the pure decision of where it goes next."""

from collections.abc import Sequence
from enum import StrEnum

import msgspec


class Each(StrEnum):
    """Whether a stage is done once for the whole or once for each part still standing."""

    WHOLE = "whole"
    PART = "part"


class Nothing(msgspec.Struct, frozen=True):
    """There is nothing to undo, and why."""

    why: str


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a saga: `do` and `undo` are kinds of steps; both may safely happen twice."""

    name: str
    each: Each
    do: str
    undo: str | Nothing


class Progress(StrEnum):
    """How one piece of a stage stands."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"


class Decision(StrEnum):
    """Where the saga goes."""

    WAIT = "wait"
    FORWARD = "forward"
    BACK = "back"


class Saga:
    """An ordered list of stages. Raises `ValueError` at import if a name stands twice or an undo lacks its reason."""

    def __init__(self, kind: str, *stages: Stage) -> None:
        self.kind = kind
        self.stages = stages
        names = [stage.name for stage in stages]
        if not stages or len(set(names)) != len(names):
            raise ValueError(f"{kind}: stages need distinct names")
        for stage in stages:
            if isinstance(stage.undo, Nothing) and not stage.undo.why:
                raise ValueError(f"{kind}: {stage.name} must say why there is nothing to undo")

    def stage(self, name: str) -> Stage:
        """The stage of that name."""
        return next(stage for stage in self.stages if stage.name == name)

    def after(self, name: str) -> Stage | None:
        """The next stage, or None after the last."""
        following = self.stages[self.stages.index(self.stage(name)) + 1 :]
        return following[0] if following else None

    def undo_of(self, do: str) -> str | None:
        """The kind of step that undoes a step of kind `do`, if there is anything to undo."""
        return next((stage.undo for stage in self.stages if stage.do == do and isinstance(stage.undo, str)), None)


def decide(each: Each, progress: Sequence[Progress]) -> Decision:
    """Where a saga goes from a stage whose pieces stand so.

    For the whole, failure turns back. Of parts, the failed have fallen out and do not count; if none is left, turn back.
    """
    if each is Each.WHOLE and Progress.FAILED in progress:
        return Decision.BACK
    standing = [piece for piece in progress if piece is not Progress.FAILED]
    if not standing:
        return Decision.BACK
    return Decision.WAIT if Progress.WAITING in standing else Decision.FORWARD
