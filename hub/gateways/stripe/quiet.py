"""What Stripe's package would log at its lowest level: whole bodies, and with them client secrets and buyers' names. So it does not."""

import logging
import os

import stripe

NOISY = "debug"


def _without_bodies(record: logging.LogRecord) -> bool:
    return record.levelno > logging.DEBUG


def hush() -> None:
    """Keep the package to its level ``info`` (method, address, status), whatever the logging and STRIPE_LOG say; and no telemetry."""
    stripe.enable_telemetry = False
    logging.getLogger("stripe").addFilter(_without_bodies)
    if NOISY in {stripe.log, os.environ.get("STRIPE_LOG")}:
        stripe.log = "info"
