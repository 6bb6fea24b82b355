"""The stores in memory: the tests' fast path, under the same contract as the databases.

State is a value: immutable tables of frozen records. A unit of work works on copies and puts them in place when it
ends, so rolling back is forgetting, and a snapshot is a reference to what was.
"""

from idp.stores.memory.storage import MemoryStorage

__all__ = ["MemoryStorage"]
