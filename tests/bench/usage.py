"""What processes use: CPU seconds and resident memory, of a process and all it has started, from /proc."""

import os
from pathlib import Path

PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_PARENT, _OWN, _REAPED = 1, slice(11, 13), slice(13, 15)
"""Fields of /proc/PID/stat, counted from behind the command's name: ppid; utime and stime; the same of children that have ended."""


def cpu_seconds(pid: int) -> float:
    """Of a process and its descendants, those that have ended among them."""
    fields = {int(path.name): found for path in PROC.glob("[0-9]*") if (found := _fields(path)) is not None}
    family, ticks = {pid}, 0
    for child in sorted(fields):
        if child == pid or int(fields[child][_PARENT]) in family:
            family.add(child)
            ticks += sum(map(int, fields[child][_OWN])) + sum(map(int, fields[child][_REAPED]))
    return ticks / _TICKS


def resident_mib(pid: int) -> float:
    """What a process holds of the memory."""
    return int((PROC / str(pid) / "statm").read_text().split()[1]) * _PAGE / 2**20


def _fields(path: Path) -> list[str] | None:
    try:
        return (path / "stat").read_text().rpartition(") ")[2].split()
    except OSError:  # it has ended meanwhile
        return None
