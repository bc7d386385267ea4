"""Every scenario against a good adapter and bad ones, and under every fault."""

import json
from pathlib import Path

import pytest

from vendor_sdk.cli import main
from vendor_sdk.emulator.faults import Fault
from vendor_sdk.emulator.scenarios import scenarios

DUMMY = """
adapter = "dummy"
[config]
accept_after = 900
ship_after = 900
deliver_after = 900
return_after = 900
[config.at_most]
mug = 5
[guard]
wait_first = 0.001
breaker_reset = 0.2
"""
AT_ONCE = """
adapter = "dummy"
[config]
deliver_after = 0
return_after = 0
push = false
"""
NEVER_BACK = AT_ONCE.replace("return_after = 0", "return_after = 9000")
BAD = """
adapter = "tests.vendor_sdk.emulator.bad:Bad"
[config]
is = "{}"
[guard]
attempts = 1
"""


def play(folder: Path, settings: str, *arguments: str) -> int:
    (folder / "acme.toml").write_text(settings)
    return main(["emulate", "acme", "--config", str(folder), "--patience", "0.01", *arguments])


def test_all_scenarios_end_well_with_a_good_adapter(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert play(tmp_path, DUMMY, "--scenario", "all") == 0
    told = capsys.readouterr().out
    assert f"{len(scenarios())} of {len(scenarios())} scenarios ended well" in told
    assert "2 x mug are not delivered and become a part of their own" in told
    assert "12.50 EUR goes back to the buyer (returned ret_" in told
    assert "of which the vendor bears 11.25 EUR" in told
    assert "the return is canceled: canceled_by_customer" in told
    assert "orders.submit was not answered in time" in told
    assert "NOT WELL" not in told


@pytest.mark.parametrize("fault", list(Fault))
def test_no_fault_of_the_way_harms_an_order(fault: Fault, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wanted = [argument for name in ("buyer-cancels", "refund") for argument in ("--scenario", name)]
    assert play(tmp_path, DUMMY, *wanted, "--fault", fault, "--seed", "3") == 0, capsys.readouterr().out


@pytest.mark.parametrize("fault", list(Fault))
@pytest.mark.parametrize(
    ("scenario", "settings", "ends"), [("return", AT_ONCE, "refunded"), ("return-canceled", NEVER_BACK, "canceled")], ids=["sent", "kept"]
)
def test_no_fault_of_the_way_harms_a_return(  # a scenario's parts
    scenario: str, settings: str, ends: str, fault: Fault, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = play(tmp_path, settings, "--scenario", scenario, "--fault", fault, "--seed", "7")
    told = capsys.readouterr().out
    assert code == 0, told
    assert f"the return is {ends}" in told


def test_the_people_of_a_vendor_whose_adapter_takes_nothing_back_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = 'adapter = "tests.vendor_sdk.emulator.takes_back:Sends"\n'
    assert play(tmp_path, settings, "--scenario", "return", "--scenario", "return-canceled") == 0
    told = capsys.readouterr().out
    assert "the vendor answers by hand" in told
    assert "the return is refunded" in told
    assert "the return is canceled" in told


@pytest.mark.parametrize(
    ("mistake", "scenario", "verdict"),
    [
        ("accepts-what-was-not-ordered", "three-lines", "dead letter: orders.accepted: malformed: /short/0/sku"),
        ("speaks-of-another", "three-lines", "dead letter: orders.submit: failed: ValueError: the answer to orders.submit names another"),
        ("never-answers", "three-lines", "ended declined (no_answer), not settled"),
        ("keeps-what-is-released", "late-answer", "what the vendor did is not undone"),
    ],
)
def test_a_wrong_adapter_is_told_what_is_wrong(
    mistake: str, scenario: str, verdict: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert play(tmp_path, BAD.format(mistake), "--scenario", scenario) == 1
    told = capsys.readouterr().out
    assert f"{scenario}: FAILED" in told
    assert verdict in told


@pytest.mark.parametrize(("settings", "scenario"), [('adapter = "dummy"\n', "refund"), (AT_ONCE, "return")], ids=["refund", "return"])
def test_the_same_seed_holds_the_same_back(settings: str, scenario: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stories: list[list[str]] = []
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        play(folder, settings, "--scenario", scenario, "--fault", "late", "--seed", "7")
        stories.append(
            [line.partition("  [")[0] for line in capsys.readouterr().out.splitlines() if "order is" in line or "return is" in line]
        )
    assert [line.split()[2:] for line in stories[0]] == [line.split()[2:] for line in stories[1]]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["acme", "--scenario", "no-such"], "no scenario no-such: see --list"),
        (["--scenario", "refund"], "name the vendor"),
        (["nobody"], "there is no such file"),
        (["acme", "--speed", "0"], "--speed is between"),
        (["acme", "--catalog", "nothing.toml"], "nothing.toml"),
        (["acme", "--forward-to", "ftp://x", "--port", "0"], "--forward-to ftp://x"),
    ],
)
def test_wrong_arguments_are_named(arguments: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "acme.toml").write_text(DUMMY)
    assert main(["emulate", *arguments, "--config", str(tmp_path)]) == 2
    assert says in capsys.readouterr().err


def test_a_catalog_names_its_wrong_field(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    catalog = tmp_path / "catalog.toml"
    catalog.write_text('[[offers]]\nsku = "tea"\nprice = "cheap"\n')
    assert play(tmp_path, DUMMY, "--scenario", "refund", "--catalog", str(catalog)) == 2
    assert "offers[0].price" in capsys.readouterr().err
    catalog.write_text('[[offers]]\nsku = "tea"\nprice = 100\n')
    assert play(tmp_path, DUMMY, "--scenario", "three-lines", "--catalog", str(catalog)) == 2
    assert "needs 3 offers" in capsys.readouterr().err


def test_the_list_tells_every_scenario_and_fault(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["emulate", "--list"]) == 0
    told = capsys.readouterr().out
    assert all(name in told for name in [*scenarios(), *Fault])


def test_a_book_of_somebody_else_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    book = tmp_path / "data" / "emulator.json"
    book.parent.mkdir()
    book.write_text(json.dumps({"vendor": "bolt", "api_key": "wk_vendor_x"}))
    assert play(tmp_path, DUMMY, "--data", str(book.parent), "--port", "0") == 2
    assert "this is the book of bolt" in capsys.readouterr().err
    book.write_text("garbage")
    assert play(tmp_path, DUMMY, "--data", str(book.parent), "--port", "0") == 2
    assert "not an emulator's book" in capsys.readouterr().err
    assert book.read_text() == "garbage"
