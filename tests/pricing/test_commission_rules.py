"""Rules as data: what is read, and what is refused by the name of the field."""

import tomllib
from typing import Any

import pytest

from hub.kernel.errors import Invalid
from hub.pricing.commission import CommissionRule, check, commission_from
from hub.settings import CONFIG

GOOD = """
[[rules]]
name = "books"
bps = 800
fixed = { EUR = 10, JPY = 15 }
min = { EUR = 50, JPY = 70 }
max = { EUR = 5000, JPY = 7000 }
per = "line"
categories = ["books"]
price_from = { EUR = 100, JPY = 150 }
price_until = { EUR = 10000, JPY = 15000 }
from = 2026-01-01
until = 2027-01-01
on_refund = "keep"

[[rules]]
name = "standard"
bps = 1000

[tax.countries]
DE = 1900
"""


def test_the_file_is_read():
    found = commission_from(tomllib.loads((CONFIG / "commission.toml").read_text()))
    assert found.rules == [CommissionRule(name="standard", bps=1000)]
    assert found.tax.of("DE") == 0


def test_everything_a_rule_may_say():
    books, standard = commission_from(tomllib.loads(GOOD)).rules
    assert (books.floor, books.cap, str(books.starts), standard.on_refund) == (
        {"EUR": 50, "JPY": 70},
        {"EUR": 5000, "JPY": 7000},
        "2026-01-01",
        "return",
    )


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("name = 'x'\nbps = 10_001", "rules[0].bps"),
        ("name = 'x'\nbps = -1", "rules[0].bps"),
        ("name = 'x'\nfixed = { EUR = -1 }", "rules[0].fixed"),
        ("name = 'x'\nfixed = { euro = 1 }", "rules[0].fixed"),
        ("name = 'x'\npercent = 5", "percent"),
        ("name = 'x'\nper = 'order'", "rules[0].per"),
        ("name = 'x'\nfrom = 'tomorrow'", "rules[0].from"),
        ("name = ''", "rules[0].name"),
        ("bps = 5", "name"),
        ("name = 'x'\nmin = { EUR = 5 }\nmax = { EUR = 4 }", "/rules/0/max/EUR"),
        ("name = 'x'\nprice_from = { EUR = 5 }\nprice_until = { EUR = 5 }", "/rules/0/price_until/EUR"),
        ("name = 'x'\nfrom = 2026-01-02\nuntil = 2026-01-02", "/rules/0/until"),
        ("name = 'x'\nfixed = { EUR = 5 }\nmax = { USD = 4 }", "/rules/0/max"),
        ("name = 'x'\nof = 'shipping'\ncategories = ['a']", "/rules/0/categories"),
        ("name = 'x'\nof = 'both'\nprice_from = { EUR = 1 }", "/rules/0/price_from"),
        ("name = 'vendor:5'", "/rules/0/name"),
        ("name = 'x'\nvendors = ['a']\n[[rules]]\nname = 'x'", "/rules/1/name"),
        ("name = 'x'\n[[rules]]\nname = 'y'\nvendors = ['a']", "/rules/1/group"),
        ("name = 'x'\nof = 'both'\n[[rules]]\nname = 'y'\nof = 'shipping'", "/rules/1/group"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(change: str, named: str):
    with pytest.raises(ValueError, match="commission: ") as refused:
        commission_from(tomllib.loads(f"[[rules]]\n{change}"))
    assert named in str(refused.value)


@pytest.mark.parametrize("later", [{"of": "both"}, {"of": "shipping"}, {"group": "payment fee"}])
def test_a_rule_that_can_still_be_reached_is_not_refused(later: dict[str, Any]):
    check([CommissionRule(name="first"), CommissionRule(name="second", **later)])


def test_a_rule_that_never_is_reached():
    with pytest.raises(Invalid) as refused:
        check([CommissionRule(name="all", of="both"), CommissionRule(name="never", vendors=["acme"])])
    assert refused.value.field == "/rules/1/group"
