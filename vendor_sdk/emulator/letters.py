"""What could not be done or not be understood, kept for triage."""

import msgspec

from vendor_sdk.emulator.model import Letter, Step
from vendor_sdk.emulator.turn import Turn


def keep(turn: Turn, kind: str, reason: str, detail: str, step: Step | None = None) -> None:
    """A letter for triage; the same one is kept once."""
    about = (None, None) if step is None else (step.id, step.part_id)
    new = Letter(at=turn.now, kind=kind, reason=reason, detail=detail[:2000], command_id=about[0], part_id=about[1])
    if step is not None and any(msgspec.structs.replace(known, at=new.at) == new for known in turn.book.letters):
        return
    turn.book.letters.append(new)
    turn.note(about[1] or "", "letter.born", f"dead letter: {kind}: {reason}: {detail[:200]}")
