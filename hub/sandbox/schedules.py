"""Automatic payouts of connected accounts: by their schedule all that is available goes out, and what went is known."""

import calendar
from datetime import UTC, date, datetime, timedelta
from typing import Literal

import msgspec
from msgspec import Struct

from hub.sandbox import payouts
from hub.sandbox.answers import Json, invalid
from hub.sandbox.call import Call
from hub.sandbox.store import PLATFORM

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
Workday = Literal["monday", "tuesday", "wednesday", "thursday", "friday"]

DELAY_DAYS = 2


class Schedule(Struct, frozen=True, forbid_unknown_fields=True):
    """When an account is paid out."""

    interval: Literal["manual", "daily", "weekly", "monthly"] | None = None
    delay_days: int | Literal["minimum"] | None = None
    monthly_anchor: int | None = None
    monthly_payout_days: list[int] | None = None
    weekly_anchor: Weekday | None = None
    weekly_payout_days: list[Workday] | None = None


class PayoutSettings(Struct, frozen=True, forbid_unknown_fields=True):
    debit_negative_balances: bool | None = None
    schedule: Schedule = Schedule()
    statement_descriptor: str | None = None


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """The one part of an account's settings that is simulated."""

    payouts: PayoutSettings = PayoutSettings()


def initial() -> Json:
    """The settings of a new account: manual payouts, which is the sandbox's own choice (Stripe's default is daily)."""
    empty = {"icon": None, "logo": None, "primary_color": None, "secondary_color": None}
    return {
        "branding": empty,
        "card_payments": {
            "decline_on": {"avs_failure": False, "cvc_failure": False},
            "statement_descriptor_prefix": None,
            "statement_descriptor_prefix_kana": None,
            "statement_descriptor_prefix_kanji": None,
        },
        "dashboard": {"display_name": "SIMULATED", "timezone": "Etc/UTC"},
        "payments": {"statement_descriptor": None, "statement_descriptor_kana": None, "statement_descriptor_kanji": None},
        "payouts": {
            "debit_negative_balances": False,
            "schedule": {"delay_days": DELAY_DAYS, "interval": "manual"},
            "statement_descriptor": None,
        },
    }


def change(call: Call, account: Json, settings: Settings) -> None:
    """Set the account's schedule. Raises `Problem` where a weekly or monthly one does not say its day."""
    wish = settings.payouts
    kept = account.setdefault("settings", initial())["payouts"]
    if wish.debit_negative_balances is not None:
        kept["debit_negative_balances"] = wish.debit_negative_balances
    kept["statement_descriptor"] = wish.statement_descriptor or kept["statement_descriptor"]
    given = {name: value for name, value in msgspec.to_builtins(wish.schedule).items() if value is not None}
    if given.get("delay_days") == "minimum":
        given["delay_days"] = DELAY_DAYS
    schedule: Json = kept["schedule"] | given
    _check(schedule)
    kept["schedule"] = schedule
    account["_due"] = _next(schedule, call.now)


def pay_out(call: Call, account: Json) -> None:
    """The day has come: one payout for each currency in which anything is available."""
    theirs = call.acting_for(account["id"])
    if account["payouts_enabled"]:
        for currency, amount in _available(theirs):
            _send(theirs, currency, amount)
    platform = call.acting_for(PLATFORM)
    platform.store.put(account | {"_due": _next(account["settings"]["payouts"]["schedule"], call.now)})


def _send(call: Call, currency: str, amount: int) -> None:
    open_ones = [("$.currency", "=", currency), ("$._payout", "IS", None), ("$.available_on", "<=", call.now)]
    held = call.store.find("balance_transaction", call.account, open_ones)
    payout = payouts.blank(call, amount, currency)
    payouts.send(call, payout | {"automatic": True, "reconciliation_status": "in_progress"})
    own = call.store.find("balance_transaction", call.account, limit=1)
    for transaction in (*held, *own):
        call.store.put(transaction | {"_payout": payout["id"]})


def _available(call: Call) -> list[tuple[str, int]]:
    rows = call.store.db.execute(
        "SELECT json_extract(body, '$.currency'), sum(json_extract(body, '$.net')) FROM objects WHERE kind = 'balance_transaction' "
        "AND owner = ? AND json_extract(body, '$.available_on') <= ? GROUP BY 1 ORDER BY 1",
        (call.account, call.now),
    )
    return [(currency, amount) for currency, amount in rows if amount > 0]


def _check(schedule: Json) -> None:
    match schedule["interval"]:
        case "weekly" if not (schedule.get("weekly_anchor") or schedule.get("weekly_payout_days")):
            raise invalid("You must specify a weekly_anchor for weekly payouts.", param="settings[payouts][schedule][weekly_anchor]")
        case "monthly" if not (schedule.get("monthly_anchor") or schedule.get("monthly_payout_days")):
            raise invalid("You must specify a monthly_anchor for monthly payouts.", param="settings[payouts][schedule][monthly_anchor]")
        case _:
            pass
    days: list[int] = [*(schedule.get("monthly_payout_days") or []), schedule.get("monthly_anchor") or 1]
    if not all(1 <= day <= 31 for day in days):  # noqa: PLR2004  # days of a month
        raise invalid("Days of a month are 1 to 31.", param="settings[payouts][schedule][monthly_anchor]")


def _next(schedule: Json, now: int) -> int | None:
    """The next midnight (UTC) at which the account is paid out; None if it is not by itself."""
    day = datetime.fromtimestamp(now, UTC).date() + timedelta(days=1)
    if schedule["interval"] == "manual":
        return None
    while not _is_day(schedule, day):
        day += timedelta(days=1)
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def _is_day(schedule: Json, day: date) -> bool:
    match schedule["interval"]:
        case "weekly":
            days: list[str] = schedule.get("weekly_payout_days") or [schedule["weekly_anchor"]]
            return day.strftime("%A").lower() in days
        case "monthly":
            last = calendar.monthrange(day.year, day.month)[1]
            wanted: list[int] = schedule.get("monthly_payout_days") or [schedule["monthly_anchor"]]
            return day.day in {min(one, last) for one in wanted}
        case _:
            return True
