"""The emulator's life of a sub-order is the hub's."""

from typing import get_args

from hub.notifications.model import EventType
from hub.orders.states import SUB_ORDER
from vendor_sdk.emulator import states, tell


def test_the_table_of_states_is_the_hubs() -> None:
    assert {(str(state), event): str(after) for (state, event), after in states.TABLE.items()} == {
        (str(state), str(event)): str(after) for (state, event), after in SUB_ORDER.table.items()
    }
    assert {str(end) for end in states.ENDS} == {str(end) for end in SUB_ORDER.ends}


def test_the_types_of_webhooks_are_the_hubs() -> None:
    assert set(get_args(tell.EventType)) == set(get_args(EventType))
