"""Makes the client that blocks of the text of the one that awaits: `python -m tests.architecture.sync_client --write`."""

import re
import subprocess
import sys
from pathlib import Path

from tests.architecture.sources import ROOT

SOURCE = ROOT / "vendor_sdk" / "client" / "aio"
MADE = ROOT / "vendor_sdk" / "client" / "sync"

_WORDS = (
    (r"\bawait ", ""),
    (r"\basync (def|for|with)\b", r"\1"),
    (r"\bAsync(?=[A-Z])", ""),
    (r"\b__a(enter|exit)__\b", r"__\1__"),
    (r"\baclose\b", "close"),
    (r"\baiter_bytes\b", "iter_bytes"),
    (r"\bclient\.aio\b", "client.sync"),
    (r"The client that awaits; `vendor_sdk\.client\.sync` is made of this text", "The client that blocks; made of `vendor_sdk.client.aio`"),
    (r"\bIterator, Iterator\b", "Iterator"),
)


def blocking(text: str) -> str:
    """The same without waiting for anybody else."""
    for pattern, instead in _WORDS:
        text = re.sub(pattern, instead, text)
    for words in (["check", "--fix-only", "--select", "I"], ["format"]):
        command = [sys.executable, "-m", "ruff", *words, "--quiet", "--stdin-filename", str(MADE / "made.py"), "-"]
        text = subprocess.run(command, input=text, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    return text


def made() -> dict[Path, str]:
    """What each file is to be."""
    return {MADE / path.name: blocking(path.read_text()) for path in sorted(SOURCE.glob("*.py"))}


if __name__ == "__main__" and "--write" in sys.argv:
    for file, content in made().items():
        file.write_text(content)
