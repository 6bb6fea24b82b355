"""The memory stores keep the contract."""

import pytest

from idp.stores.memory import MemoryStorage
from tests.stores.contract import StoreContract


class TestMemory(StoreContract):
    """The contract, in memory."""

    @pytest.fixture
    def storage(self) -> MemoryStorage:
        """An empty backend."""
        return MemoryStorage()
