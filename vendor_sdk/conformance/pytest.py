"""Certification as tests, one per rule: ``test_conformance = conformance()`` in a test file is all."""

import asyncio
from collections.abc import Callable

import pytest

from vendor_sdk.conformance import table
from vendor_sdk.conformance.certify import opened
from vendor_sdk.conformance.levels import RULES
from vendor_sdk.conformance.report import Result
from vendor_sdk.conformance.rule import Rule
from vendor_sdk.conformance.settings import load, located


def conformance(name: str = "") -> Callable[[Rule], None]:
    """A test of every rule for an adapter; `name` as for ``vendor-sdk certify``: a file, a folder or an adapter's name."""

    @pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
    def test_conformance(rule: Rule) -> None:
        result = asyncio.run(_result(name, rule))
        if result.outcome == "skipped":
            pytest.skip(result.reason)
        if result.outcome != "passed":
            pytest.fail(table.row(result), pytrace=False)

    return test_conformance


async def _result(name: str, rule: Rule) -> Result:
    async with opened(load(located(name))) as certification:
        return await certification.result(rule)
