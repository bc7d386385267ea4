"""Mistakes that somebody might make one day: where each is planted, and what has to catch it."""

from collections.abc import Sequence

import msgspec


class Edit(msgspec.Struct, frozen=True):
    """In `file` the text `find`, which stands there once, becomes `put`."""

    file: str
    find: str
    put: str


class Law(msgspec.Struct, frozen=True):
    """The simulation catches it: this law is broken, and `says` stands in what is said of it; `seed` is a world in which it was."""

    law: str
    says: str
    seed: int
    orders: int
    without: Sequence[str] = ()
    """Faults that the worlds do not have,"""
    needs: Sequence[str] = ()
    """and those without which the mistake does no harm."""


class Quick(msgspec.Struct, frozen=True):
    """A test of the suites catches it, by a failure of its own: `says` is in what pytest prints."""

    test: str
    says: str


class Plant(msgspec.Struct, frozen=True):
    """One mistake."""

    name: str
    edits: Sequence[Edit]
    caught_by: Law | Quick


PLANTS = [
    Plant(
        "acknowledge before commit",
        [
            Edit("hub/worker/listen.py", "    try:\n        await hear(", "    await msg.ack()\n    try:\n        await hear("),
            Edit(
                "hub/worker/listen.py",
                'Foreign("not_applicable", repr(error)), Trace.new())\n    await msg.ack()\n',
                'Foreign("not_applicable", repr(error)), Trace.new())\n',
            ),
        ],
        Law("acknowledged_is_in_the_books", "was acknowledged and is nowhere", seed=1, orders=15),
    ),
    Plant(
        "a reply applied without the inbox",
        [
            Edit(
                "hub/checkout/hear.py",
                "        inbox.note(tx, heard.vendor, event.id, anyway=anyway)\n",
                "        pass\n",
            )
        ],
        Law("acknowledged_is_in_the_books", "was acknowledged and is nowhere", seed=1, orders=15),
    ),
    Plant(
        "the inbox written in a transaction of its own",
        [
            Edit(
                "hub/checkout/hear.py",
                '    async with database.tx(Actor("vendor", heard.vendor), trace) as tx:\n        await _apply',
                '    async with database.tx(Actor("vendor", heard.vendor), trace) as tx:\n'
                '        asked = await inbox.asked(tx, heard.headers.get(messages.COMMAND_ID, ""), heard.vendor, event.id)\n'
                "        if asked is not None and not isinstance(event.body, Pending):\n"
                "            if asked.heard:\n                return\n"
                "            inbox.note(tx, heard.vendor, event.id)\n"
                '    async with database.tx(Actor("vendor", heard.vendor), trace) as tx:\n        await _apply',
            ),
            Edit(
                "hub/checkout/hear.py",
                "    fresh = not asked.heard or isinstance(event.body, Pending | Dead)",
                "    fresh = True",
            ),
            Edit(
                "hub/checkout/hear.py",
                "    if not asked.heard and not isinstance(event.body, Pending):  # which is no answer, and is noted nowhere\n"
                "        inbox.note(tx, heard.vendor, event.id, anyway=anyway)\n",
                "",
            ),
        ],
        Law("steps_end", "is open for ever", seed=2, orders=40),
    ),
    Plant(
        "a reused Nats-Msg-Id",
        [Edit("hub/worker/dispatch.py", 'messages.MSG_ID: f"{step.id}.{step.attempt}",', "messages.MSG_ID: step.id,")],
        Law("no_redrive_is_swallowed", "attempt 2 was taken for attempt 1", seed=1, orders=40),
    ),
    Plant(
        "a breaker that counts cancellations",
        [Edit("vendor_sdk/breaker.py", "if era != self._era or _is_canceled():", "if era != self._era:")],
        Quick("tests/vendor_sdk/test_breaker.py::test_a_cancel_turned_into_an_error_does_not_open_it", "assert 'open' == 'closed'"),
    ),
    Plant(
        "a reservation released twice",
        [
            Edit(
                "hub/orders/place.py",
                "    await advance(tx, sub.id, event, reason=reason, data=dict(data or {}))\n",
                "    await advance(tx, sub.id, event, reason=reason, data=dict(data or {}))\n"
                "    await promise.withdraw(tx, [demand(line) for line in sub.lines])\n",
            )
        ],
        Law("stock_is_conserved", "0 reserved, 1 shipped, orders say 1, 1", seed=8, orders=8),
    ),
    Plant(
        "a capture retried under a new key",
        [Edit("hub/payments/capture.py", "gateway.capture(step.id,", 'gateway.capture(f"{step.id}.{step.attempt}",')],
        Law("one_key_for_one_step", ".1, which is the id of no step", seed=1, orders=15),
    ),
    Plant(
        "a lease without its fence",
        [
            Edit("hub/runtime/steps.py", "_END = _OPEN.where(steps.c.id", "_END = update(steps).where(steps.c.id"),
            Edit("hub/orders/lock_and_end.py", "steps.id = :step AND steps.state = 'open'", "steps.id = :step"),
            Edit(  # the same statement in the simulation; a test compares the two
                "hub/simulation/postgres/by_hand.py",
                'row is None or row[t.position["state"]] != "open":\n        return [], 0\n    v.hold(t.locks',
                "row is None:\n        return [], 0\n    v.hold(t.locks",
            ),
        ],
        Law("swallowed", "is not possible", seed=4, orders=40),
    ),
    Plant(
        "a timer lost in a crash",
        [
            Edit(
                "hub/transfers/release.py",
                "    await steps.add(tx, release_step(transfer, after=new.seconds, asked=False))",
                "    kept = msgspec.structs.replace(release_step(transfer, after=new.seconds, asked=False), waiting=True)\n"
                "    tx.kept.append((new.seconds, (await steps.add(tx, kept))[0]))",
            ),
            Edit("hub/runtime/database.py", "        self.woken = False\n", "        self.woken = False\n        self.kept = []\n"),
            Edit(
                "hub/runtime/database.py",
                "                tell(self._tx)\n",
                "                tell(self._tx)\n"
                "            for seconds, step in self._tx.kept:\n"
                "                later = lambda step=step: asyncio.ensure_future(_write(self._database, step))\n"
                "                asyncio.get_running_loop().call_later(seconds, later)\n",
            ),
            Edit(
                "hub/runtime/database.py",
                "class Database:\n",
                "async def _write(database, step):\n"
                "    import asyncio\n"
                "    from hub.runtime import steps\n"
                "    async with database.tx() as tx:\n"
                "        t = steps.steps\n"
                "        await tx.execute(steps.update(t).where(t.c.id == step).values(waiting=False, due_at=steps.func.now()))\n\n\n"
                "class Database:\n",
            ),
            Edit("hub/runtime/database.py", "import time\n", "import asyncio\nimport time\n"),
        ],
        Law(
            "every_cent_ended",
            "is held for ever",
            seed=1,
            orders=15,
            without=["database_cut", "database_cut_at_commit", "database_answer_lost", "database_away"],
            needs=["crash", "process_killed"],
        ),
    ),
    Plant(
        "a transfer retried without looking before",
        [
            Edit(
                "hub/transfers/transfer.py",
                "await gateway.find_transfer(step.id, order_id=step.saga_id) if step.attempt > 1 else None",
                "None",
            )
        ],
        Quick("tests/checkout/test_forgotten_keys.py::test_a_share_is_transferred_once", "assert 2 == 1"),
    ),
    Plant(
        "a transfer retried under a new key",
        [
            Edit(
                "hub/transfers/transfer.py",
                "            step.id,\n            charge",
                '            f"{step.id}.{step.attempt}",\n            charge',
            ),
            Edit(
                "hub/transfers/transfer.py",
                "await gateway.find_transfer(step.id, order_id=step.saga_id) if step.attempt > 1 else None",
                "None",
            ),
        ],
        Law("vendors_got_what_we_think", "was sent and is not booked", seed=8, orders=12),
    ),
    Plant(
        "answers to one order applied at the same time",
        [
            Edit(
                "hub/checkout/conclude.py",
                "    if step.saga_id in tx.held:\n",
                "    tx.held.setdefault(step.saga_id, None)  # as if it were locked\n    if True:\n",
            ),
            Edit("hub/orders/advance.py", "    .with_for_update(of=sub_orders)\n", ""),  # it alone would do, where only parts move
        ],
        Law("orders_end", "its parts say", seed=6, orders=40),
    ),
    Plant(
        "an order answered before commit",
        [
            Edit("hub/runtime/together.py", "async with self._database.tx() as tx:", "async with _soon(self._database.tx)() as tx:"),
            Edit(
                "hub/runtime/together.py",
                "class Together(Generic[W, K]):\n",
                "import asyncio\n"
                "import contextlib\n\n\n"
                "def _soon(begin):\n"
                "    @contextlib.asynccontextmanager\n"
                "    async def tx():\n"
                "        whole = begin()\n"
                "        tx = await whole.__aenter__()\n"
                "        try:\n"
                "            yield tx\n"
                "        except BaseException as error:\n"
                "            await whole.__aexit__(type(error), error, error.__traceback__)\n"
                "            raise\n"
                "        asyncio.ensure_future(whole.__aexit__(None, None, None))\n\n"
                "    return tx\n\n\n"
                "class Together(Generic[W, K]):\n",
            ),
        ],
        Law("buyers_know_what_happened", "was told of", seed=20, orders=15),
    ),
    Plant(
        "a death without its letter",
        [
            Edit(
                "hub/checkout/conclude.py",
                "        await keep_step(tx, step, outcome, at_risk=await _at_risk(tx, step))\n    if step.kind in _ON_MONEY",
                "        pass\n    if step.kind in _ON_MONEY",
            )
        ],
        Law("steps_end", "died without a letter", seed=9, orders=40),
    ),
    Plant(
        "a part that falls and is not undone at its vendor",
        [Edit("hub/checkout/course.py", "    await undo_at_vendor(tx, order, sub, reason)\n\n\nasync def undo(", "\n\nasync def undo(")],
        Law("houses_agree", "still holds goods for", seed=1, orders=40),
    ),
    Plant(
        "a part taken over that nobody agreed to",
        [Edit("hub/checkout/reroute.py", '    if order.on_shortage != "reroute":\n        return []\n', "")],
        Law("others_deliver_as_the_buyer_agreed", "the buyer wants", seed=3, orders=40),
    ),
    Plant(
        "a part taken over for more than the buyer agreed to",
        [Edit("hub/pricing/replacement.py", "buyer = min(cost, before + limits.extra,", "buyer = min(cost, 2 * before + limits.extra,")],
        Law("others_deliver_as_the_buyer_agreed", "costs the buyer", seed=9, orders=40),
    ),
    Plant(
        "a part taken over whose stock is not promised",
        [
            Edit(
                "hub/checkout/reroute.py",
                "    await promise.promise(tx, [Demand(line.offer_id, line.quantity) for part in parts for line in part.lines])\n",
                "",
            )
        ],
        Law("stock_is_conserved", "orders say", seed=4, orders=40),
    ),
    Plant(
        "units that a vendor did not take on, charged all the same",
        [Edit("hub/checkout/conclude.py", "    elif short:\n", "    elif short and False:\n")],
        Law("houses_agree", "of which the buyer pays", seed=14, orders=40),
    ),
    Plant(
        "a key that is not kept with its answer",
        [Edit("hub/runtime/together.py", "answer = answers.to(asker) or await", "answer = await")],
        Law("buyers_know_what_happened", "was told refused: cart_ordered, and has", seed=13, orders=40),
    ),
    Plant(
        "silence that is nobody's lapse",
        [Edit("hub/checkout/fine.py", "    store.note(tx, sub, lapse=lapse)\n", "")],
        Law("what_is_not_kept_is_known", "and nothing is held against", seed=1, orders=40),
    ),
    Plant(
        "a part that leaves late and is not fined",
        [Edit("hub/checkout/fine.py", '"shipped_late" if by < at else "shipped_early"', '"shipped_early"')],
        Law("lateness_has_its_price", "shipped_late", seed=1, orders=40),
    ),
]
