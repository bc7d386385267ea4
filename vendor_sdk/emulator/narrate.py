"""Tells a story line by line, for people: when, since it began, and what."""

import sys
from typing import TextIO

from vendor_sdk.emulator.model import Moment

DAY = 86400


class Narrator:
    """Prints moments; the first one is when the story begins."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._began: float | None = None
        self._again: set[tuple[str, str]] = set()

    def __call__(self, moment: Moment) -> None:
        """Tell one; that an answer came again is told once."""
        if moment.event == "answer.again":
            if (moment.about, moment.says) in self._again:
                return
            self._again.add((moment.about, moment.says))
        if self._began is None:
            self._began = moment.at
        about = f"  [{moment.about[-6:]}]" if moment.about else ""
        self.say(f"{since(moment.at - self._began)}  {moment.says}{about}")

    def say(self, line: str) -> None:
        """Print a line at once."""
        print(line, file=self._out, flush=True)


def since(seconds: float) -> str:
    """Seconds as ``+1d 02:13:05``."""
    whole = max(0, int(seconds))
    days, rest = divmod(whole, DAY)
    return f"+{days}d {rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}"
