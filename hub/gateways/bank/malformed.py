"""The refusal of a bank file that makes no sense, by the numbers of its lines."""

from collections.abc import Sequence

from hub.kernel.errors import Invalid

SHOWN_MAX = 20


def malformed(wrong: Sequence[tuple[int, str]]) -> Invalid:
    """Nothing of the file was booked; `wrong` is (number, what is wrong) of lines of a CSV file, or entries of an XML one."""
    said = "; ".join(f"line {number}: {why}" for number, why in wrong[:SHOWN_MAX])
    lines = [number for number, _ in wrong[:SHOWN_MAX]]
    return Invalid("bank_file_malformed", f"nothing was booked: {said}", field="/content", lines=lines, wrong=len(wrong))
