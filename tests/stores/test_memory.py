"""The memory stores keep the contract."""

import pytest

from idp.stores.memory import MemoryStorage
from tests.stores.contract import StoreContract
from tests.stores.contract_authenticators import AuthenticatorContract
from tests.stores.contract_removing import RemovingContract
from tests.stores.contract_sweeping import SweepingContract
from tests.stores.contract_writing import GroupContract, StandingContract, WritingContract


class TestMemory(
    StoreContract,
    WritingContract,
    StandingContract,
    GroupContract,
    SweepingContract,
    AuthenticatorContract,
    RemovingContract,
):
    """The contract, in memory."""

    @pytest.fixture
    def storage(self) -> MemoryStorage:
        """An empty backend."""
        return MemoryStorage()
