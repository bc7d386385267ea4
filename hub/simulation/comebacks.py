"""What simulated buyers do about goods that they do not keep: ask, send them back, think better of it."""

from collections.abc import Awaitable, Callable
from random import Random

from hub.checkout.timing import Timing
from hub.orders.view import OrderView
from hub.returns import ask
from hub.returns.model import Asked, AskReturn
from hub.returns.states import ReturnState
from hub.runtime.database import Tx
from hub.simulation.market import DAY
from vendor_sdk.messages import Parcel

SHARE = 0.25
"""So many buyers want to send something back."""
WHEN = (1.0 * DAY, 9.0 * DAY)
THEN = (60.0, 3.0 * DAY)

UseCase = Callable[[Tx], Awaitable[object]]


def plans(seed: int, number: int) -> list[tuple[float, str]]:
    """When this buyer does what about a return; with dice of its own, so that everything else stays as it was."""
    dice = Random(f"{seed}:comeback {number}")  # noqa: S311  # to be repeated
    if dice.random() > SHARE:
        return []
    first = WHEN[0] * (WHEN[1] / WHEN[0]) ** dice.random()
    then = THEN[0] * (THEN[1] / THEN[0]) ** dice.random()
    return [(first, "return"), (first + then, dice.choice(("send back", "send back", "keep")))]


def use_case(what: str, timing: Timing, order: OrderView, dice: Random) -> UseCase:
    """The deed of that name."""
    return {"return": _asked(timing, order, dice), "send back": _sent(order), "keep": _kept(order)}[what]


def _asked(timing: Timing, order: OrderView, dice: Random) -> UseCase:
    line = dice.choice(dice.choice(order.sub_orders).lines)
    units = dice.randint(1, line.quantity)
    wanted = AskReturn(lines=[Asked(line_id=line.id, quantity=units, reason=dice.choice(("changed_mind", "damaged")))])

    async def act(tx: Tx) -> list[str]:
        return [it.id for it in await ask.ask_return(tx, timing.returns, order.id, wanted)]

    return act


def _sent(order: OrderView) -> UseCase:
    async def act(tx: Tx) -> list[str]:
        agreed = [it for it in await ask.of_order(tx, order.id) if it.state is ReturnState.AUTHORIZED]
        parcel = Parcel(carrier="Virtual Post", tracking_number=f"BACK-{order.id}")
        return [(await ask.send_back(tx, order.id, it.id, parcel)).id for it in agreed]

    return act


def _kept(order: OrderView) -> UseCase:
    async def act(tx: Tx) -> list[str]:
        open_ = (ReturnState.REQUESTED, ReturnState.AUTHORIZED)
        asked = [it for it in await ask.of_order(tx, order.id) if it.state in open_]
        return [(await ask.cancel(tx, order.id, it.id)).id for it in asked]

    return act
