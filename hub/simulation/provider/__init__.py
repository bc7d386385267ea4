"""The simulated payment provider: Stripe's behavior as far as the port promises it, its money, and one gateway for each process."""

from hub.simulation.provider.faults import FAULTS
from hub.simulation.provider.gateway import SimulatedGateway
from hub.simulation.provider.server import Provider

__all__ = ["FAULTS", "Provider", "SimulatedGateway"]
