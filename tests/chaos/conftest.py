"""Owns the quiet of these runs: thousands of warnings about what is broken on purpose would hide the one that matters."""

import logging
from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Nothing is logged while a run lasts; the other tests get their logs back."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.configure(**before)
