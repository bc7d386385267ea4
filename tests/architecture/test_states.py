"""Each life has one table and one door, and its picture is the one in the README."""

import ast
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum

from tests.architecture.diagrams import README, machines, written
from tests.architecture.sources import modules, named, parsed

DOORS = {"hub/runtime/life.py", "hub/orders/advance.py"}
"""Who may change the state of a life: the door itself, and the roll-up of an order."""

OTHER_STATES = {
    "hub/runtime/steps.py": "a step's state is its saga's progress, written once when it ends",
    "hub/orders/lock_and_end.py": "the same, under the order's lock",
    "hub/runtime/withdraw.py": "a step whose answer nobody waits for any more",
    "hub/runtime/revive.py": "a step that was given up on and is sent again",
    "hub/triage/plan.py": "what became of the items of a plan",
    "hub/triage/drive.py": "what became of the items of a plan",
    "hub/cart/store.py": "open or ordered",
    "hub/payments/availability.py": "whether a provider answers",
    "hub/webhooks/store.py": "what became of a provider's event",
    "hub/notifications/store.py": "what becomes of a webhook to a vendor: kept by attempts",
    "hub/notifications/claim.py": "the same, as each attempt ends",
    "hub/catalog/put_offers.py": "active or paused, as the vendor says",
    "hub/catalog/store.py": "paused, as the vendor's feed says or by its silence",
}
"""Tables with a column `state` that is no life, and who writes it."""


RUNS = {"execute", "scalar", "one", "all", "row", "rows"}
"""Methods of a transaction that run a statement with values."""
READS = {"insert", "pg_insert", "select"}
"""What a statement begins with that changes no row that may be there already."""


def state_changes(tree: ast.Module) -> list[int]:
    """Lines where a column named `state` is written to a row that may be there already."""
    known = {
        target.id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    found: list[int] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            in_place = node.func.attr == "values" and root_of(node) not in READS
            prepared = node.func.attr in RUNS and len(node.args) > 1 and root_of(named_by(node.args[0], known)) not in READS
            said = node.args if in_place else [named_by(each, known) for each in node.args[1:]]
            if (in_place and "state" in {keyword.arg for keyword in node.keywords}) or (
                (in_place or prepared) and "state" in keys_in(said)
            ):
                found.append(node.lineno)
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and re.search(r"\bUPDATE\b.*\bSET\b.*\bstate\s*=", node.value, re.DOTALL | re.IGNORECASE)
        ):
            found.append(node.lineno)
    return found


def keys_in(nodes: Sequence[ast.expr]) -> set[object]:
    """What the dicts in expressions name."""
    return {
        key.value
        for node in nodes
        for each in ast.walk(node)
        if isinstance(each, ast.Dict)
        for key in each.keys
        if isinstance(key, ast.Constant)
    }


def named_by(node: ast.expr, known: Mapping[str, ast.expr]) -> ast.expr:
    """What a name stands for in this module, as far as it is assigned there."""
    return known.get(node.id, node) if isinstance(node, ast.Name) else node


def root_of(call: ast.expr) -> str:
    """The name that a chain of calls begins with: `update` of ``update(t).where(…).values(…)``."""
    node = call
    while isinstance(node, ast.Call | ast.Attribute):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def test_only_the_door_writes_a_state() -> None:
    found = {
        named(path): lines
        for path in modules("hub")
        if not named(path).startswith("hub/sandbox/") and (lines := state_changes(parsed(path)))
    }
    assert [f"{path}:{lines}" for path, lines in found.items() if path not in DOORS | OTHER_STATES.keys()] == []
    assert found.keys() >= DOORS, "the doors have moved: tell this test where they are"


def test_a_second_door_would_be_noticed() -> None:
    for line in (
        "update(orders).where(orders.c.id == x).values(state='canceled')",
        "update(t).values({'state': s})",
        "mine.values(state='ordered')",
        "UPDATE = update(t).where(x)\nasync def f(tx):\n    await tx.execute(UPDATE, {'id': 1, 'state': s})",
        "CHANGE = update(t)\nasync def f(tx):\n    values = {'state': s}\n    await tx.one(CHANGE, values)",
        "text('UPDATE orders SET version = 1, state = :s')",
    ):
        assert state_changes(ast.parse(line)) == [len(line.split("\n"))], line
    for line in ("insert(orders).values(state='placed')", "NEW = insert(t)\nasync def f(tx):\n    await tx.execute(NEW, {'state': s})"):
        assert state_changes(ast.parse(line)) == [], line


def test_every_machine_has_one_door() -> None:
    bound = Counter(
        ast.unparse(node.args[0])
        for path in modules("hub")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Life"
    )
    assert bound == Counter(machine.name.upper() for machine in machines())


def test_machines_are_drawn_as_they_are() -> None:
    text = README.read_text()
    assert text == written(text), "hub/README.md is behind: python -m tests.architecture.diagrams --write"


def test_machines_have_a_name_of_their_own_and_use_every_event() -> None:
    found = machines()
    assert found
    assert len({machine.name for machine in found}) == len(found)
    for machine in found:
        events: set[StrEnum] = {event for _, event in machine.table}
        kind: type[StrEnum] = type(next(iter(events)))
        assert set(kind) == events, machine.name
