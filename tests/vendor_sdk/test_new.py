"""A new project: complete, sound, and never written over anything."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from vendor_sdk import cli, settings
from vendor_sdk.conformance.settings import load
from vendor_sdk.errors import Misconfigured
from vendor_sdk.new import create


def test_it_is_a_project(tmp_path: Path) -> None:
    project = create("my_shop", tmp_path / "adapters")
    assert sorted(str(path.relative_to(project)) for path in project.rglob("*") if path.is_file()) == [
        ".gitignore",
        "README.md",
        "certify.toml",
        "my_shop/__init__.py",
        "my_shop/adapter.py",
        "my_shop/upstream.py",
        "pyproject.toml",
        "spokes/my-shop.toml",
        "test_conformance.py",
    ]
    assert not [path for path in project.rglob("*") if path.is_file() and "{{" in path.read_text()]
    metadata = tomllib.loads((project / "pyproject.toml").read_text())
    assert metadata["project"]["entry-points"]["wheelwright.adapters"] == {"my_shop": "my_shop.adapter:MyShop"}
    assert load(project / "certify.toml", {}).settings.adapter == "my_shop.adapter:MyShop"
    assert settings.load(project / "spokes" / "my-shop.toml", {}).settings.vendor == "my-shop"
    assert len((project / "test_conformance.py").read_text().replace("\n\n", "\n").splitlines()) == 3


def test_its_code_is_sound(tmp_path: Path) -> None:
    project = create("my_shop", tmp_path)
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "E,F,I,UP,B,A,RUF,ASYNC", "--line-length", "140", "my_shop"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    formatted = [sys.executable, "-m", "ruff", "format", "--isolated", "--check", "--line-length", "140", "my_shop"]
    assert subprocess.run(formatted, cwd=project, capture_output=True, text=True, check=False).returncode == 0


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a",
        "My_shop",
        "9shop",
        "my-shop",
        "../shop",
        "shop/x",
        "class",
        "json",
        "test",
        "httpx",
        "msgspec",
        "pytest",
        "vendor_sdk",
        "tests",
        "x" * 41,
        "shöp",
        "shop\n",
        "shop ",
    ],
)
def test_a_bad_name_is_refused_and_nothing_is_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(Misconfigured, match="no name"):
        create(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("in_the_way", ["folder", "file"])
def test_what_is_there_stays_as_it_is(tmp_path: Path, in_the_way: str, capsys: pytest.CaptureFixture[str]) -> None:
    there = tmp_path / "my_shop"
    there.mkdir() if in_the_way == "folder" else there.write_text("mine")
    assert cli.main(["new", "my_shop", "--dir", str(tmp_path)]) == 2
    assert "nothing was written" in capsys.readouterr().err
    assert (list(there.iterdir()) == []) if in_the_way == "folder" else (there.read_text() == "mine")


def test_the_command_says_what_to_do_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["new", "my_shop", "--dir", str(tmp_path)]) == 0
    assert "vendor-sdk certify" in capsys.readouterr().out
