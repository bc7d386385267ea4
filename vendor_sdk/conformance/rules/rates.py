"""Level `shipping`, of adapters that tell by what they ship: every rate can be taken, and is the same when read again."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from vendor_sdk.conformance.heard import Broken, short
from vendor_sdk.conformance.rules.shipping import SHIPPING
from vendor_sdk.conformance.telling import READING, TellingRig
from vendor_sdk.feeds import RATES_MAX, Rate
from vendor_sdk.messages import Minor, Word

WELL_FORMED = (
    f"at most {RATES_MAX} rates: each code once, of lower case, digits, - and _; a name of at most 200 letters; a price in minor units "
    "with a currency; days of 0 to 365"
)


class _Price(msgspec.Struct, forbid_unknown_fields=True):
    amount: Minor
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}$")]


class _Rate(msgspec.Struct, forbid_unknown_fields=True):
    code: Word
    name: Annotated[str, Meta(min_length=1, max_length=200)]
    price: _Price
    days: Annotated[int, Meta(ge=0, le=365)]


@SHIPPING.rule(
    "Rates that are told can be taken, all of them, and are the same when read again.",
    why="Half a price list is none: one rate that is wrong, and the hub keeps the old ones. Rates that change by themselves are guesses.",
)
async def rates_stand(rig: TellingRig) -> None:
    first = await rig.rates()
    if wrong := _wrong(first):
        raise Broken(asked=READING, came=wrong, expected=WELL_FORMED)
    again = await rig.rates()
    if _by_code(again) != _by_code(first):
        raise Broken(asked=f"{READING}, again", came=_said(again), expected=f"the same: {_said(first)}")


def _wrong(rates: Sequence[Rate]) -> str:
    """What cannot be taken; empty if all can be."""
    if len(rates) > RATES_MAX:
        return f"{len(rates)} rates"
    codes: set[str] = set()
    for rate in rates:
        told = msgspec.to_builtins(rate)
        try:
            read = msgspec.convert(told, _Rate)
        except msgspec.ValidationError as error:
            return short(f"{told}: {error}")
        if read.code in codes:
            return f"the code {read.code} twice"
        codes.add(read.code)
    return ""


def _by_code(rates: Sequence[Rate]) -> dict[str, Rate]:
    return {rate.code: rate for rate in rates}


def _said(rates: Sequence[Rate]) -> str:
    return short(msgspec.json.encode(list(rates)).decode())
