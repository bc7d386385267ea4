"""Disputes at Stripe: what the buyer's bank took, and what it gave back."""

import stripe

from hub.gateways.stripe.caller import Part, id_of
from hub.gateways.stripe.readings import movement
from hub.payments.facts import DisputeFacts, DisputePhase

PHASES = {
    "won": DisputePhase.WON,
    "lost": DisputePhase.LOST,
    "warning_needs_response": DisputePhase.INQUIRY,
    "warning_under_review": DisputePhase.INQUIRY,
    "warning_closed": DisputePhase.WON,
    "prevented": DisputePhase.WON,
}
"""A closed inquiry took nothing, which is as good as won. All else, an appeal too, is not decided."""


class Disputes(Part):
    """The port's methods about disputes."""

    async def look_dispute(self, reference: str) -> DisputeFacts:
        """As it stands now, with every movement of our balance that it caused, oldest first."""
        dispute = await self._calls.ask("look_dispute", lambda: self._v1.disputes.retrieve_async(reference))
        return _facts(dispute)


def _facts(dispute: stripe.Dispute) -> DisputeFacts:
    moved = sorted(dispute.balance_transactions, key=lambda one: one.created)
    return DisputeFacts(
        reference=dispute.id,
        charge=id_of(dispute.charge) or "",
        phase=PHASES.get(dispute.status, DisputePhase.OPEN),
        amount=dispute.amount,
        currency=dispute.currency.upper(),
        reason=dispute.reason,
        evidence_due=dispute.evidence_details.due_by,
        movements=[movement(one) for one in moved],
    )
