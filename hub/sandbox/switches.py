"""The switches on objects: what a vendor, a buyer, a bank or Stripe itself would do to one of them."""

from collections.abc import Callable
from typing import TypeAlias

import msgspec

from hub.sandbox import accounts, confirmations, disputes, payouts, refund_outcomes, restrictions, setup_intents, webhook_endpoints
from hub.sandbox.answers import Json
from hub.sandbox.call import Call

KINDS = {
    "accounts": "account",
    "charges": "charge",
    "disputes": "dispute",
    "payment_intents": "payment_intent",
    "payouts": "payout",
    "refunds": "refund",
    "setup_intents": "setup_intent",
    "webhook_endpoints": "webhook_endpoint",
}
Switch: TypeAlias = Callable[[Call, Json, bytes], Json]


class Closing(msgspec.Struct, forbid_unknown_fields=True):
    """How a dispute ends."""

    status: disputes.Outcome


def _capabilities(call: Call, account: Json, body: bytes) -> Json:
    return restrictions.set_capabilities(call, account, msgspec.json.decode(body, type=dict[str, restrictions.Status]))


def _dispute(call: Call, charge: Json, body: bytes) -> Json:
    return disputes.open_on(call, charge, msgspec.json.decode(body, type=disputes.Order))


def _close(call: Call, dispute: Json, body: bytes) -> Json:
    return disputes.end(call, dispute, msgspec.json.decode(body, type=Closing).status)


def _fail_payout(call: Call, payout: Json, body: bytes) -> Json:
    return payouts.fail(call, payout, msgspec.json.decode(body, type=payouts.Failure))


def _holder(answer: Callable[..., Json], *, succeed: bool) -> Switch:
    return lambda call, intent, _: answer(call, intent, succeed=succeed)


SWITCHES: dict[tuple[str, str], Switch] = {
    ("accounts", "onboard"): lambda call, account, _: accounts.onboard(call, account),
    ("accounts", "restrict"): lambda call, account, _: restrictions.restrict(call, account),
    ("accounts", "capabilities"): _capabilities,
    ("accounts", "needs_funds"): lambda call, account, _: restrictions.needs_funds(call, account),
    ("charges", "dispute"): _dispute,
    ("disputes", "escalate"): lambda call, dispute, _: disputes.escalate(call, dispute),
    ("disputes", "close"): _close,
    ("payment_intents", "authenticate"): _holder(confirmations.authenticate, succeed=True),
    ("payment_intents", "fail"): _holder(confirmations.authenticate, succeed=False),
    ("payouts", "fail"): _fail_payout,
    ("refunds", "succeed"): lambda call, refund, _: refund_outcomes.succeed(call, refund),
    ("refunds", "fail"): lambda call, refund, _: refund_outcomes.fail(call, refund),
    ("setup_intents", "authenticate"): _holder(setup_intents.authenticate, succeed=True),
    ("setup_intents", "fail"): _holder(setup_intents.authenticate, succeed=False),
    ("webhook_endpoints", "roll"): lambda call, endpoint, _: webhook_endpoints.roll(call, endpoint),
}


def turn(call: Call, words: list[str], body: bytes) -> Json | None:
    """Turn ``/accounts/acct_…/onboard`` and the like, whoever owns the object; None if there is no such switch. Raises `Problem`."""
    if len(words) != 3 or (words[0], words[2]) not in SWITCHES:  # noqa: PLR2004  # kind, id, verb
        return None
    kind, identity, verb = words
    found = call.store.get(identity, KINDS[kind])
    theirs = call.acting_for(found.get("_owner", call.account)) if found else call
    return SWITCHES[kind, verb](theirs, theirs.need(KINDS[kind], identity), body)
