"""How long to wait before asking again."""

from hub.runtime.steps import Step


def growing(step: Step, first: float, most: float) -> float:
    """A pause in seconds that doubles with every attempt of a step: who is away is asked ever more seldom."""
    return min(most, first * 2.0 ** min(max(0, step.attempt - 1), 20))
