"""What can go wrong with the provider, and what buyers, banks and vendors do there that nobody asked them for."""

FAULTS: dict[str, str] = {
    "provider_unreachable": "no connection: nothing was sent",
    "provider_rate_limits": "429 with a Retry-After: nothing was done",
    "provider_request_lost": "the request is lost on its way; the caller learns of it up to its patience later",
    "provider_answer_lost": "it acted, or refused, and the answer is lost",
    "provider_slow": "an answer takes seconds; beyond the caller's patience the request acts after the caller gave up",
    "provider_restricts": "some time after a transfer the vendor's account is restricted, for hours or days",
    "refund_pending": "a refund is pending for an hour",
    "refund_fails_late": "a refund comes back, an hour to ten days after it was made",
    "payout_fails": "the bank sends a payout back, before or after it was reported as paid",
    "buyer_never_confirms": "a buyer who is asked by the bank never answers",
    "buyer_refuses": "a buyer who is asked by the bank fails the challenge",
    "buyer_disputes": "a buyer disputes a captured charge within thirty days; the bank decides later",
    "vendor_never_onboards": "a vendor never fills in the provider's forms",
}
"""Keys of `Nature.rates`, and what each means."""
