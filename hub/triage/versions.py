"""The version of a letter that an `If-Match` names."""

import re

from hub.kernel.errors import Conflict

_TAG = re.compile(r'^(?:W/)?"(\d{1,9})"$')


def version_of(if_match: str | None) -> int | None:
    """None where any version will do. Raises `Conflict` (``version_mismatch``) for what is no version of ours (RFC 9110, 13.1.1)."""
    if if_match is None or if_match.strip() == "*":
        return None
    tag = _TAG.match(if_match.strip())
    if tag is None:
        raise Conflict("version_mismatch", "it has no such version", field="header:If-Match")
    return int(tag[1])
