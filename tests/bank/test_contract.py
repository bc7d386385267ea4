"""The bank's gateway keeps the contract of `PaymentGateway`, as far as its abilities go."""

import pytest_asyncio

from tests.bank.hands import Bank
from tests.gateways.contract import GatewayContract


class TestBank(GatewayContract):
    """Buyers pay by what a file says, and orders are executed by one."""

    @pytest_asyncio.fixture
    async def provider(self, bank: Bank) -> Bank:
        await bank.order()
        return bank
