"""Every spoke can be found by its name, says what it is, and has its place in the distribution."""

import tomllib
from pathlib import Path

import pytest

from vendor_sdk.ports import capabilities
from vendor_sdk.registry import GROUP, find

ROOT = Path(__file__).parents[2]
SPOKES = sorted(path.parent.name for path in (ROOT / "spokes").glob("*/adapter.py"))


def test_there_are_spokes() -> None:
    assert {"dummy", "flatfile", "medusa", "shopify", "webhook", "woocommerce"} <= set(SPOKES)


@pytest.mark.parametrize("name", SPOKES)
def test_a_spoke_is_found_with_all_its_capabilities_and_its_readme(name: str) -> None:
    adapter = find(name)
    assert capabilities(adapter)[:3] == ["stock", "orders", "shipping"]
    points = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"][GROUP]
    assert points[name] == f"{adapter.__module__}:{adapter.__name__}"
    readme = (ROOT / "spokes" / name / "README.md").read_text()
    assert readme.startswith(f"# {name}\n")
    fields = getattr(adapter.config_type, "__struct_fields__", ())
    assert [field for field in fields if f"`{field}" not in readme] == []
