"""`hub dlq` on many letters: plans previewed, started, stopped and followed; quarantines; rules."""

import asyncio

import msgspec
import pytest

from hub.dlq.reach import Refused
from tests.dlq.conftest import Desk


async def planned(desk: Desk, *words: str, letters: int = 3) -> tuple[str, list[str]]:
    """A plan over new letters that fail alike, and the letters."""
    made = [await desk.given_up(detail="planned") for _ in range(letters)]
    plan = await desk.told("plan", *made, "--reason", "they are back", *words)
    assert (plan["state"], plan["size"], plan["sample"]) == ("previewed", letters, made)
    return plan["id"], made


async def test_a_plan_is_previewed_started_and_followed_to_its_end(desk: Desk):
    plan, letters = await planned(desk, "--canary", "1", "--rate", "100")
    assert (await desk.told("show", letters[0]))["state"] == "open"
    assert "running" in await desk.hub("start", plan, "--reason", "as previewed")
    watching = asyncio.create_task(desk.watch(plan, "--json"))
    for _ in range(6):
        await desk.work()
        for item in await desk.told("items", plan, "--state", "sent"):
            await desk.accept(item["letter_id"])
    code, out, _ = await asyncio.wait_for(watching, 10)
    seen = [msgspec.json.decode(line) for line in out.splitlines()]
    assert (code, seen[-1]["state"], seen[-1]["items"]["ok"]) == (0, "done", 3)
    assert [item["state"] for item in await desk.told("items", plan)] == ["ok"] * 3
    assert letters[2] in await desk.hub("items", plan, "--state", "ok")
    assert "done" in await desk.hub("plan-show", plan)
    assert plan in await desk.hub("plans")


async def test_a_plan_that_pauses_is_told_by_the_end_of_watching(desk: Desk):
    plan, letters = await planned(desk, letters=1)
    assert await desk.told("start", plan, "--reason", "x", "--version", "1")
    with pytest.raises(Refused, match="412 version_mismatch"):
        await desk.hub("pause", plan, "--reason", "x", "--version", "1")
    await desk.hub("pause", plan, "--reason", "have to look")
    code, out = await desk.ends("watch", plan)
    assert (code, "have to look" in out) == (1, True)
    assert (await desk.told("resume", plan, "--reason", "looked"))["state"] == "running"
    assert (await desk.told("abort", plan, "--reason", "no"))["items"]["skipped"] == 1
    assert (await desk.ends("watch", plan))[0] == 1
    with pytest.raises(Refused, match="409 illegal_transition"):
        await desk.hub("start", plan, "--reason", "x")
    assert (await desk.told("show", letters[0]))["state"] == "open"


async def test_a_plan_takes_every_filter(desk: Desk):
    letter = await desk.given_up(why="odd_reason", detail="filtered 1")
    seen = await desk.told("show", letter)
    words = ["--source", "step", "--target", "acme", "--kind", "orders.submit", "--letter-reason", "odd_reason", "--currency", "EUR"]
    words += ["--fingerprint", seen["fingerprint"], "--order", seen["saga_id"], "--at-risk-min", "1", "--text", "filtered"]
    words += ["--since", "2020-01-01", "--until", "2100-01-01T00:00:00Z"]
    plan = await desk.told("plan", "--reason", "x", *words)
    assert (plan["size"], plan["at_risk"]) == (1, [{"amount": 2490, "currency": "EUR"}])
    shown = await desk.hub("plan-show", plan["id"])
    assert letter in shown
    assert "24.90 EUR" in shown
    with pytest.raises(Refused, match=r"no open letter matches \(422 empty, /filter\)$"):
        await desk.hub("plan", "--reason", "x", *words, "--assignee", "nobody")
    for since in ("yesterday", "2026-01-31T12:00:00"):
        with pytest.raises(Refused, match=r"\(400 invalid_request, .*failed_after"):
            await desk.hub("plan", "--reason", "x", "--since", since)
    with pytest.raises(Refused, match=r"\(400 invalid_request, .*rate"):
        await desk.hub("plan", "--reason", "x", "--rate", "0")


async def test_what_is_in_quarantine_is_not_replayed(desk: Desk):
    letter = await desk.given_up(why="barred", detail="barred")
    fingerprint = (await desk.told("show", letter))["fingerprint"]
    (bar,) = await desk.told("quarantine", "put", "fingerprint", fingerprint, "--reason", "it charges twice")
    assert "it charges twice" in await desk.hub("quarantine", "list")
    assert "it charges twice" in await desk.hub("show", letter)
    with pytest.raises(Refused, match="409 quarantined"):
        await desk.hub("replay", letter, "--reason", "x")
    (lifted,) = await desk.told("quarantine", "lift", bar["id"], "--reason", "mended")
    assert lifted["lifted_at"] is not None
    assert (await desk.told("replay", letter, "--reason", "x"))["state"] == "replaying"
    with pytest.raises(Refused, match=r"422 in_the_past, /until\)$"):
        await desk.hub("quarantine", "put", "target", "acme", "--reason", "x", "--until", "2020-01-01T00:00:00Z")


async def test_a_rule_is_written_tried_out_and_switched(desk: Desk):
    (rule,) = await desk.told("rules", "make", "--reason", "they restart at night", "--target", "acme", "--disabled")
    assert (rule["enabled"], rule["target"], rule["kind"]) == (False, "acme", None)
    assert await desk.hub("rules", "dry-run", rule["id"]) == "it would replay 0\n"
    (on,) = await desk.told("rules", "switch", rule["id"], "on", "--reason", "tried out", "--version", "1")
    assert (on["enabled"], on["version"]) == (True, 2)
    with pytest.raises(Refused, match="412 version_mismatch"):
        await desk.hub("rules", "switch", rule["id"], "off", "--reason", "x", "--version", "1")
    assert "they restart at night" in await desk.hub("rules", "list")
    await desk.hub("rules", "switch", rule["id"], "off", "--reason", "enough")
    assert [each["enabled"] for each in await desk.told("rules", "list")] == [False]


async def test_the_groups_are_watched_until_none_is_left(desk: Desk):
    letter = await desk.given_up(detail="the last")
    await desk.shop.sql(f"UPDATE dead_letters SET state = 'compensated' WHERE id <> '{letter}'")
    watching = asyncio.create_task(desk.watch())
    await desk.hub("replay", letter, "--reason", "x")
    await desk.accept(letter)
    assert not watching.done()
    await desk.work()
    assert (await asyncio.wait_for(watching, 10))[0] == 0
