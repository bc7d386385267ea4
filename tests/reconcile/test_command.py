"""`hub reconcile` as people and schedules call it: what it prints and with what it ends."""

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from hub.ledger.recipes import COMMISSION, Posting, clearing
from hub.sandbox.app import SECRET
from hub.sandbox.serve import running
from tests.hub_api import settings_for
from tests.reconcile.conftest import Stage


async def command(environment: Mapping[str, str], *words: str) -> tuple[int | None, str, str]:
    """Its end, its output, its complaints."""
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "hub.cli", "reconcile", *words, env={**os.environ, **environment}, stdout=-1, stderr=-1
    )
    out, err = await started.communicate()
    return started.returncode, out.decode(), err.decode()


async def test_the_command(stage: Stage):
    await stage.sell()
    today = datetime.fromtimestamp(stage.sandbox.now(), UTC).date()
    async with running(stage.sandbox) as url:
        environment = settings_for(
            stage.database.engine.url.render_as_string(hide_password=False),
            WHEELWRIGHT__STRIPE__BASE_URL=url,
            WHEELWRIGHT__STRIPE__API_KEY=SECRET,
            WHEELWRIGHT__STRIPE__RATE_PER_SECOND="0",
            WHEELWRIGHT__RECONCILE__GRACE_SECONDS="0",
        )
        code, out, err = await command(environment, "--json")
        assert (code, json.loads(out or "{}").get("equal")) == (0, True), err
        await stage.book("refund", "re_x", [Posting(COMMISSION, clearing("stripe"), 700, "EUR")])
        code, out, err = await command(environment, "--since", str(today), "--until", str(today))
        assert (code, "differences: 1" in out) == (1, True), out + err
        code, out, err = await command(environment, "--since", str(today), "--until", str(today - timedelta(days=1)))
        assert (code, out, "`until` is before `since`" in err) == (1, "", True), out + err
        stage.sandbox.faults.order(b'{"match": "GET /v1/balance_transactions", "mode": "500_before", "times": 100}')
        code, out, err = await command(environment)
        assert (code, out, "failed: " in err) == (1, "", True), out + err
