"""A hosted adapter that is wrong is not certified: the rules hear what its vendor's people said past it."""

import msgspec
import pytest

from spokes.hosted.adapter import Hosted
from tests.architecture.sources import ROOT
from tests.spokes.hosted.wrong import WRONG
from vendor_sdk.conformance.certify import certify
from vendor_sdk.conformance.settings import FILE, load


@pytest.mark.parametrize(("adapter", "rules"), WRONG.items(), ids=[each.__name__ for each in WRONG])
async def test_it_fails_by_the_rules_for_what_is_wrong(adapter: type[Hosted], rules: set[str]) -> None:
    loaded = load(ROOT / "tests" / "spokes" / "hosted" / FILE, {})
    named = msgspec.structs.replace(loaded.settings, adapter=f"{adapter.__module__}:{adapter.__name__}")
    report = await certify(msgspec.structs.replace(loaded, settings=named), ("orders", "shipping"))
    assert {rule.id for rule in report.rules if rule.outcome == "failed"} == rules
