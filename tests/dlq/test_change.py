"""Single values of a payload are set where they stand, and nowhere else."""

import pytest

from hub.dlq.change import changed

PAYLOAD = {"a": {"b/c": [1, {"d": 2}]}, "t": "text"}


def test_values_are_set_by_pointers_as_json_or_as_they_stand():
    new = changed(PAYLOAD, ["/a/b~1c/1/d=null", "/a/b~1c/0=x=y", '/t="7"', "/new={}"])
    assert new == {"a": {"b/c": ["x=y", {"d": None}]}, "t": "7", "new": {}}
    assert changed(PAYLOAD, ["/t=75001", "/a/b~1c/0=75001"]) == {"a": {"b/c": [75001, {"d": 2}]}, "t": "75001"}
    assert PAYLOAD == {"a": {"b/c": [1, {"d": 2}]}, "t": "text"}


@pytest.mark.parametrize("change", ["/a", "a=1", "=1", "/x/y=1", "/a/b~1c/2=1", "/a/b~1c/-1=1", "/a/b~1c/²=1", "/t/0=1", "/a/b~1c/0/z=1"])
def test_what_has_no_such_place_is_refused(change: str):
    with pytest.raises(ValueError, match=r"leads nowhere|is no change"):
        changed(PAYLOAD, [change])
