"""The emulator's lives of a sub-order and of a return are the hub's."""

from typing import get_args

from hub.notifications.kinds import KINDS
from hub.notifications.model import EventType
from hub.orders.states import SUB_ORDER
from hub.returns import model as hubs
from hub.returns.rules import ReturnRules
from hub.returns.states import RETURN
from vendor_sdk.emulator import states, tell
from vendor_sdk.emulator.model import Terms
from vendor_sdk.emulator.returns import ask, life, model
from vendor_sdk.emulator.returns import states as return_states


def test_the_table_of_states_is_the_hubs() -> None:
    assert {(str(state), event): str(after) for (state, event), after in states.TABLE.items()} == {
        (str(state), str(event)): str(after) for (state, event), after in SUB_ORDER.table.items()
    }
    assert {str(end) for end in states.ENDS} == {str(end) for end in SUB_ORDER.ends}


def test_the_table_of_a_returns_states_is_the_hubs() -> None:
    assert {(str(state), event): str(after) for (state, event), after in return_states.TABLE.items()} == {
        (str(state), str(event)): str(after) for (state, event), after in RETURN.table.items()
    }
    assert {str(end) for end in return_states.ENDS} == {str(end) for end in RETURN.ends}
    assert {event: kind for (name, event), kind in KINDS.items() if name == "return"} == life.KINDS


def test_the_words_and_terms_of_returns_are_the_hubs() -> None:
    assert get_args(model.Reason) == get_args(hubs.Reason)
    assert set(model.FAULTS) == set(hubs.FAULTS)
    terms, rules = Terms(), ReturnRules()
    assert (terms.return_window, terms.return_authorization, terms.return_reception) == (rules.window, rules.authorization, rules.reception)
    assert rules.most == ask.RETURNS_MAX


def test_the_types_of_webhooks_are_the_hubs() -> None:
    assert set(get_args(tell.EventType)) == set(get_args(EventType))
