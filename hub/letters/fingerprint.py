"""What makes failures one and the same: where, what and why, without the names and numbers that differ each time."""

import hashlib
import re

_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`")
_ID = re.compile(r"\b[a-z]{2,5}_[0-9A-Za-z]{6,}\b|\b(?=[0-9a-fA-F-]*\d)[0-9a-fA-F][0-9a-fA-F-]{7,}\b")
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
LENGTH = 16


def normal(detail: str) -> str:
    """A detail's wording: quoted words, ids and numbers are left out."""
    bare = _NUMBER.sub("#", _ID.sub("*", _QUOTED.sub("*", detail)))
    return " ".join(bare.split())[:500]


def fingerprint(target: str, kind: str, reason: str, detail: str) -> str:
    """The same for failures of one kind at one place for one reason, told in the same words."""
    return hashlib.sha256("|".join((target, kind, reason, normal(detail))).encode()).hexdigest()[:LENGTH]
