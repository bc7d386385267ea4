"""One line per stage, its compensation beside it."""

from hub.fulfillment.reserve import RELEASE, RESERVE
from hub.fulfillment.route import RECALL, SUBMIT
from hub.kernel.saga import Each, Nothing, Saga, Stage
from hub.payments.authorize import AUTHORIZE, VOID
from hub.payments.capture import CAPTURE
from hub.risk.screen import SCREEN

PHYSICAL = Saga(
    "physical",
    Stage(name="screen", each=Each.WHOLE, do=SCREEN, undo=Nothing("a verdict changes nothing")),
    Stage(name="reserve", each=Each.PART, do=RESERVE, undo=RELEASE),
    Stage(name="authorize", each=Each.WHOLE, do=AUTHORIZE, undo=VOID),
    Stage(name="route", each=Each.PART, do=SUBMIT, undo=RECALL),
    Stage(name="capture", each=Each.WHOLE, do=CAPTURE, undo=Nothing("the last stage: from here money goes back as a refund")),
)

SAGAS = {saga.kind: saga for saga in (PHYSICAL,)}
"""Every kind of order; a new kind is a new list of the same steps."""
