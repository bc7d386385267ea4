"""Judges vendors by the marketplace's rules: warns, suspends, lifts; what would be done is told without doing it."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Literal

import msgspec

from hub.letters.keep import Given, keep
from hub.promises import days, judgments, parts, rounds, suspension
from hub.promises.days import VendorDay
from hub.promises.figures import Figure, Tally, figures
from hub.promises.suspension import PERIODS, Breach, Days, Suspension
from hub.runtime.database import Database, Tx
from hub.runtime.life import Move, record
from hub.vendors import store as vendors
from hub.vendors.advance import advance
from hub.vendors.states import VendorEvent, VendorState

ROUND = "suspension"
EVERY = timedelta(hours=1)
VENDORS_AT_ONCE = 200
REASON_MAX = 200


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """What follows for a vendor from a rule: ``warn``, ``wait`` (it was warned, its notice runs), ``suspend``, or ``lift``.

    ``hold``: it would be suspended, but too many were today. `says` is the figure in words, empty where nothing is broken.
    """

    vendor: str
    rule: str
    verdict: Literal["warn", "wait", "suspend", "hold", "lift"]
    warned_at: datetime | None
    says: str
    breach: Breach | None


async def judge_all(database: Database, rules: Suspension) -> None:
    """Once in an hour over all workers: judge every vendor, each in a transaction of its own."""
    if not await _begin(database):
        return
    async with database.reading() as tx:
        judged = await assess(tx, rules)
    for vendor, mine in groupby(judged, lambda each: each.vendor):
        async with database.tx() as tx:
            await _act(tx, rules, vendor, list(mine))


async def assess(tx: Tx, rules: Suspension) -> list[Judged]:
    """What follows for every active vendor now; who was warned first is suspended first."""
    left = max(0, rules.vendors_per_day - await judgments.suspended_since(tx, _midnight(await tx.now())))
    found: list[Judged] = []
    codes = sorted(terms.code for terms in await vendors.all_terms(tx) if terms.state is VendorState.ACTIVE)
    for start in range(0, len(codes), VENDORS_AT_ONCE):
        found += await _judged(tx, rules, codes[start : start + VENDORS_AT_ONCE])
    return _held(found, left)


def _held(found: Sequence[Judged], left: int) -> list[Judged]:
    """Only so many vendors are suspended; by vendor, those with a suspension first, the longest warned before all."""
    warned: dict[str, datetime] = {}
    for each in found:
        if each.verdict == "suspend" and each.warned_at is not None:
            warned[each.vendor] = min(each.warned_at, warned.get(each.vendor, each.warned_at))
    go = set(sorted(warned, key=lambda vendor: (warned[vendor], vendor))[:left])
    kept = [
        msgspec.structs.replace(each, verdict="hold") if each.verdict == "suspend" and each.vendor not in go else each for each in found
    ]
    return sorted(kept, key=lambda each: (each.vendor not in go, each.vendor))


async def _judged(tx: Tx, rules: Suspension, codes: Collection[str]) -> list[Judged]:
    now = await tx.now()
    activated = await judgments.activated(tx, codes)
    warned = await judgments.warnings(tx, codes, activated)
    by_vendor = {code: list(mine) for code, mine in groupby(await _days(tx, codes, now), lambda day: day.vendor)}
    letters = {length: await days.letters(tx, _letters_since(now, length), codes) for length in PERIODS}
    found: list[Judged] = []
    for code in codes:
        counted = await _figures(tx, code, by_vendor.get(code, []), {n: letters[n].get(code, 0) for n in PERIODS}, activated.get(code))
        found += _verdicts(rules, code, suspension.breaches(rules.rules, counted), warned[code], now)
    return found


def _verdicts(rules: Suspension, code: str, breaches: Sequence[Breach], warned: Mapping[str, datetime], now: datetime) -> list[Judged]:
    found = [
        Judged(
            vendor=code,
            rule=breach.rule.name,
            verdict=suspension.verdict(warned.get(breach.rule.name), now, rules.notice_seconds),
            warned_at=warned.get(breach.rule.name),
            says=breach.says,
            breach=breach,
        )
        for breach in breaches
    ]
    better = [name for name in warned if name not in {breach.rule.name for breach in breaches}]
    return found + [Judged(vendor=code, rule=name, verdict="lift", warned_at=warned[name], says="", breach=None) for name in better]


async def _figures(
    tx: Tx, vendor: str, mine: Sequence[VendorDay], letters: Mapping[Days, int], activated_at: datetime | None
) -> Mapping[Days, Mapping[str, Figure]]:
    """By period. What was placed before an operator activated the vendor counts no more."""
    now, found = await tx.now(), dict[Days, Mapping[str, Figure]]()
    for length in PERIODS:
        first, counted = parts.first_day(now, length), Tally()
        if activated_at is not None and activated_at >= parts.begins(first):
            first = activated_at.date() + parts.DAY
            counted = await parts.counted(tx, vendor, activated_at, parts.begins(first))
        found[length] = figures(sum((day for day in mine if day.day >= first), counted), letters[length])
    return found


async def _act(tx: Tx, rules: Suspension, vendor: str, judged: Sequence[Judged]) -> None:
    """Do what follows, if it still does: somebody may have suspended or closed the vendor since."""
    await vendors.lock(tx, vendor)
    state = (await vendors.get(tx, vendor)).state
    if state is not VendorState.ACTIVE:
        return
    for each in judged:
        if each.verdict in {"warn", "lift"}:
            word = "warned" if each.verdict == "warn" else "lifted"
            await judgments.add(tx, vendor, each.rule, word, each.breach)
            reason = (each.says or each.rule)[:REASON_MAX]
            record(tx, _told(vendor, str(state), word, reason, each.rule))
    broken = [each for each in judged if each.verdict in {"suspend", "hold"}]
    if broken:
        await _suspend(tx, rules, vendor, broken[0])


def _told(vendor: str, state: str, word: str, reason: str, rule: str) -> Move:
    """Into the vendor's timeline; it stays as it is."""
    return Move(life="vendor", subject_id=vendor, saga_id=vendor, event=word, before=state, after=state, reason=reason, data={"rule": rule})


async def _suspend(tx: Tx, rules: Suspension, vendor: str, judged: Judged) -> None:
    """Suspend it, and tell an operator; or tell that too many were."""
    await rounds.lock(tx, ROUND)  # so that nobody else counts at the same time
    today = _midnight(await tx.now())
    if judged.verdict == "hold" or await judgments.suspended_since(tx, today) >= rules.vendors_per_day:
        said = f"{rules.vendors_per_day} were suspended by rule today; so would be {vendor}: {judged.says}"
        await _letter(tx, vendor, f"held:{vendor}:{today.date()}", "too_many_suspensions", said, judged)
        return
    judgment_id = await judgments.add(tx, vendor, judged.rule, "suspended", judged.breach)
    await advance(tx, vendor, VendorEvent.SUSPEND, f"by rule: {judged.says}"[:REASON_MAX])
    await _letter(tx, vendor, judgment_id, "suspended_by_rule", judged.says, judged)


async def _letter(tx: Tx, vendor: str, identity: str, reason: str, detail: str, judged: Judged) -> None:
    await keep(
        tx,
        Given(
            source=days.OURS,
            identity=f"{days.OURS}:{identity}",
            target=vendor,
            kind="vendor.suspend",
            reason=reason,
            detail=detail,
            headers={},
            payload=msgspec.json.encode(judged).decode(),
            saga_id=vendor,
        ),
    )


async def _begin(database: Database) -> bool:
    """Whether it is this worker's turn."""
    async with database.tx() as tx:
        now, last = await tx.now(), await rounds.take(tx, ROUND)
        if last is None:
            await rounds.begin(tx, ROUND, now)
            return False
        if last + EVERY > now:
            return False
        await rounds.done(tx, ROUND, now)
        return True


async def _days(tx: Tx, codes: Collection[str], now: datetime) -> list[VendorDay]:
    return await days.of(tx, codes, parts.first_day(now, max(PERIODS)))


def _letters_since(now: datetime, length: Days) -> str:
    return parts.first_letter(parts.first_day(now, length))


def _midnight(now: datetime) -> datetime:
    return parts.begins(now.date())
