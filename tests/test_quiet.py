"""Of several processes of a run none has a test under way while another's quiet one is."""

import os
import subprocess
import sys
from pathlib import Path

CONFTEST = "from tests.quiet import keep_quiet as pytest_configure\n"
TEST = """
import time, pathlib, pytest

HERE = pathlib.Path(__file__)

@pytest.mark.parametrize("number", range(8))
def test_loud(number):
    began = time.monotonic()
    HERE.with_suffix(".begun").touch()
    while number == 0 and len(list(HERE.parent.glob("*.begun"))) < 2:  # both processes are at work
        time.sleep(0.01)
    time.sleep(0.05)
    with open({log!r}, "a") as file:
        file.write(f"loud {{began}} {{time.monotonic()}}\\n")

@pytest.mark.quiet
def test_quiet():
    began = time.monotonic()
    time.sleep(0.3)
    with open({log!r}, "a") as file:
        file.write(f"quiet {{began}} {{time.monotonic()}}\\n")
"""


def test_a_quiet_test_runs_alone(tmp_path: Path) -> None:
    log = tmp_path / "log"
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = quiet\n")
    for name in ("test_a.py", "test_b.py"):
        (tmp_path / name).write_text(TEST.format(log=str(log)))
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    words = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(words, cwd=tmp_path, env=env, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    ran = [(kind, float(began), float(ended)) for kind, began, ended in (line.split() for line in log.read_text().splitlines())]
    quiet = [each for each in ran if each[0] == "quiet"]
    loud = [each for each in ran if each[0] == "loud"]
    assert (len(quiet), len(loud)) == (2, 16)
    assert any(a[1] < b[2] and b[1] < a[2] for a in loud for b in loud if a != b), "two processes were at work"
    for one in quiet:
        assert not [each for each in ran if each is not one and each[1] < one[2] and one[1] < each[2]], "it was not alone"
