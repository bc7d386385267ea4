"""The levels of certification and their rules, in the order in which they are tried."""

from vendor_sdk.conformance.rule import Rule
from vendor_sdk.conformance.rules import faults, rates
from vendor_sdk.conformance.rules.orders import ORDERS
from vendor_sdk.conformance.rules.returns import RETURNS
from vendor_sdk.conformance.rules.stock import STOCK
from vendor_sdk.conformance.rules.wire import WIRE

LEVELS: dict[str, list[Rule]] = {
    "wire": faults.WIRE.all,
    "stock": STOCK.all,
    "orders": ORDERS.all,
    "shipping": rates.SHIPPING.all,
    "returns": RETURNS.all,
}
"""A new capability of `vendor_sdk.ports.PORTS` is a module in `rules/` and a line here, of the same name."""

assert WIRE is faults.WIRE

RULES: dict[str, Rule] = {rule.id: rule for rules in LEVELS.values() for rule in rules}
