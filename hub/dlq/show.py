"""Answers of the API as people read them."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hub.dlq.text import moment, plain, shown

WIDTH = 200
TIMELINE_SHOWN = 40
RIGHT = frozenset({"count", "at risk", "times", "rate", "size", "number", "attempt", "version"})
WHOLE = frozenset({"id", "fingerprint", "letter", "example", "last", "at", "state"})
"""What is copied, or is short: it is not broken over lines."""

Row = Mapping[str, Any]


def console() -> Console:
    """A console that does not break lines where nobody has a terminal."""
    made = Console(highlight=False)
    return made if made.is_terminal else Console(width=WIDTH, highlight=False)


def as_json(answer: Any) -> None:
    """Print it as the API gave it."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(answer)).decode() + "\n")


def line(answer: Any) -> None:
    """Print it as one line of JSON, at once."""
    sys.stdout.write(msgspec.json.encode(answer).decode() + "\n")
    sys.stdout.flush()


def table(names: Sequence[str], rows: Iterable[Sequence[Any]], title: str = "") -> Table:
    """A table whose cells say what they say, whoever wrote them."""
    made = Table(title=Text(title), title_justify="left") if title else Table()
    for name in names:
        made.add_column(name, justify="right" if name in RIGHT else "left", no_wrap=name in WHOLE, overflow="fold")
    for row in rows:
        made.add_row(*(Text(shown(cell)) for cell in row))
    return made


def letters(rows: Iterable[Row]) -> Table:
    """A list of letters."""
    names = ("id", "version", "state", "target", "kind", "why", "times", "at risk", "last", "assignee")
    return table(names, (tuple(_letter(r)) for r in rows))


def _letter(r: Row) -> Iterable[Any]:
    yield from (r[name] for name in ("id", "version", "state", "target", "kind"))
    yield from (why(r), r["times"], r["at_risk"], moment(r["last_at"]), r["assignee"])


def groups(rows: Iterable[Row]) -> Table:
    """What failed alike."""
    names = ("fingerprint", "target", "kind", "reason", "count", "at risk", "first", "last", "barred", "example")
    return table(names, (tuple(_group(r)) for r in rows))


def _group(r: Row) -> Iterable[Any]:
    yield from (r[name] for name in ("fingerprint", "target", "kind", "reason", "count"))
    yield from (r["at_risk"] or "", moment(r["first_at"]), moment(r["last_at"]), "yes" if r["quarantined"] else "", r["example"])


def facts(row: Row, names: Iterable[str]) -> Table:
    """One thing, a line for each fact that there is."""
    made = Table.grid(padding=(0, 2))
    for name in names:
        if row[name] not in (None, "", []):
            value = moment(row[name]) if name.endswith("_at") else shown(row[name])
            made.add_row(Text(name.replace("_", " ").removesuffix(" id"), style="bold"), Text(value))
    return made


def inspected(letter: Row) -> Iterable[Any]:
    """One letter with all that is known around it."""
    names = ("id", "version", "state", "source", "target", "kind", "reason", "detail", "fingerprint", "attempts", "times", "saga_id")
    more = ("subject_id", "at_risk", "assignee", "resolution", "created_at", "last_at", "ended_at", "breakers")
    yield facts(letter, names + more)
    yield Text(f"\npayload\n{pretty(letter['payload'])}")
    if letter["original"] is not None:
        yield Text(f"\nbefore it was edited\n{pretty(letter['original'])}")
    yield table(("attempt", "at", "error"), ((f["attempt"], moment(f["at"]), f["error"]) for f in letter["failures"]), "failed attempts")
    told = letter["timeline"][-TIMELINE_SHOWN:]
    left_out = len(letter["timeline"]) - len(told)
    yield table(
        ("at", "what", "event", "becomes", "by", "reason"),
        ((moment(m["at"]), m["life"], m["event"], m["to_state"], m["actor"], m["reason"]) for m in told),
        "timeline" + (f", without the first {left_out}" if left_out else ""),
    )
    yield acts(letter["acts"])
    if letter["quarantines"]:
        yield quarantines(letter["quarantines"])


def acts(rows: Iterable[Row]) -> Table:
    """Who did what with it, the newest first."""
    return table(
        ("at", "what", "who", "why", "after"),
        ((moment(a["at"]), a["what"], a["who"], a["why"], _after(a["after"])) for a in rows),
        "acts",
    )


def differences(rows: Iterable[Row]) -> Table:
    """What an edit has changed."""
    return table(("field", "before", "after"), ((d["path"], d["before"], d["after"]) for d in rows))


def plan(row: Row) -> Iterable[Any]:
    """One plan and how far it is."""
    names = (
        "id",
        "version",
        "state",
        "held",
        "reason",
        "made_by",
        "rule_id",
        "filter",
        "size",
        "at_risk",
        "canary",
        "rate",
        "failures_max",
    )
    yield facts(row, (*names, "created_at", "ended_at"))
    counts = row["items"]
    yield table(tuple(counts), [tuple(counts.values())])
    yield Text(f"the first: {', '.join(map(plain, row['sample']))}")


def plans(rows: Iterable[Row]) -> Table:
    """A list of plans."""
    names = ("id", "state", "size", "at risk", "rate", "made by", "at", "reason", "held")
    return table(
        names,
        (
            (r["id"], r["state"], r["size"], r["at_risk"] or "", r["rate"], r["made_by"], moment(r["created_at"]), r["reason"], r["held"])
            for r in rows
        ),
    )


def items(rows: Iterable[Row]) -> Table:
    """Letters of a plan, and what became of each."""
    names = ("number", "letter", "state", "why", "sent", "ended")
    return table(names, ((r["number"], r["letter_id"], r["state"], r["why"], moment(r["sent_at"]), moment(r["ended_at"])) for r in rows))


def quarantines(rows: Iterable[Row]) -> Table:
    """What must not be replayed."""
    names = ("id", "what", "value", "reason", "made by", "until", "lifted")
    return table(
        names,
        ((r["id"], r["what"], r["value"], r["reason"], r["made_by"], moment(r["until"]), moment(r["lifted_at"])) for r in rows),
        "quarantines",
    )


def rules(rows: Iterable[Row]) -> Table:
    """What is replayed by itself."""
    names = ("id", "acts", "version", "target", "kind", "letter reason", "canary", "rate", "most", "tries max", "reason", "made by")
    return table(names, (tuple(_rule(r)) for r in rows))


def _rule(r: Row) -> Iterable[Any]:
    yield from (r["id"], r["enabled"], r["version"])
    yield from (r[name] or "any" for name in ("target", "kind", "letter_reason"))
    yield from (r[name] for name in ("canary", "rate", "most", "tries_max", "reason", "made_by"))


def why(letter: Row) -> str:
    """Reason and detail in one."""
    return f"{letter['reason']}: {letter['detail']}" if letter["detail"] else str(letter["reason"])


def pretty(text: str) -> str:
    """JSON over several lines where it is JSON."""
    try:
        return plain(msgspec.json.format(text.encode()).decode())
    except msgspec.MsgspecError:
        return plain(text)


def _after(after: Any) -> str:
    """Of an edit only what it changed: the payload stands above."""
    match after:
        case {"diff": [*changes]}:
            return "; ".join(f"{c['path']}: {shown(c['before'])} -> {shown(c['after'])}" for c in changes)
        case {"note": str(note)}:
            return note
        case _:
            return shown(after)
