"""A status has one meaning, and Retry-After is read as it may stand there."""

import pytest

from spokes.web.address import is_public
from spokes.web.failures import Unsure, excerpt, failure


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (200, None), (204, None), (301, "misconfigured"), (400, "failed"), (401, "needs_reauth"), (403, "needs_reauth"),
        (404, "misconfigured"), (405, "misconfigured"), (408, "retry"), (409, "failed"), (410, "misconfigured"), (422, "failed"),
        (425, "retry"), (429, "retry"), (500, "retry"), (501, "misconfigured"), (502, "retry"), (503, "retry"), (599, "retry"),
    ],
)  # fmt: skip
def test_every_status_has_its_class(status: int, code: str | None) -> None:
    error = failure(status)
    assert (error.code if error else None) == code


def test_how_long_to_wait_is_kept_with_the_error() -> None:
    error = failure(503, wait=4.0, said="closed")
    assert isinstance(error, Unsure), "a 503 may come after the work"
    assert not isinstance(failure(429), Unsure)
    assert (error.retry_after, error.message) == (4.0, "HTTP 503: closed")


def test_an_excerpt_is_short_and_printable() -> None:
    assert excerpt(b"a\x00b\n\xff" + b"c" * 9999).startswith("a b �c")
    assert len(excerpt(b"c" * 9999)) == 200


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "169.254.169.254",
        "168.63.129.16",
        "::1",
        "fe80::1%eth0",
        "::ffff:8.8.8.8",
        "64:ff9b::808:808",
        "2002::1",
        "x",
    ],
)
def test_private_addresses_are_none_of_a_strangers(address: str) -> None:
    assert not is_public(address)
    assert is_public("8.8.8.8")
    assert is_public("2606:4700::1111")
