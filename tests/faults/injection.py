"""Makes the k-th statement of what is done fail."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from idp.stores.interfaces import StorageUnavailable
from idp.stores.sql.running import Runner


@dataclass
class Fault:
    """What goes wrong at the k-th statement, counted from 1. `way` is "refused" for a statement that the database does
    not execute, "broken" for a connection that ends before it, "lost" for a COMMIT that is done and not answered."""

    k: int
    way: str
    seen: int = 0
    happened: bool = False

    @property
    def was_kept(self) -> bool:
        """Tell whether all was done, though nobody was told so."""
        return self.happened and self.way == "lost"

    def strike(self, runner: Any, statement: str) -> bool:
        """Tell whether this is the moment."""
        if self.way == "lost" and statement != "COMMIT":
            return False
        self.seen += 1
        if self.seen != self.k:
            return False
        self.happened = True
        if self.way == "broken":
            runner._cursor.connection.close()
        return True


@contextmanager
def failing(fault: Fault) -> Iterator[None]:
    """Let the fault happen within the block."""
    real = Runner.execute

    def execute(runner: Runner, text: str, parameters: Any = ()) -> Any:
        if not fault.strike(runner, text) or fault.way == "broken":
            return real(runner, text, parameters)
        if fault.way == "lost":
            real(runner, text, parameters)
        raise StorageUnavailable(f"the test wants this to fail: {fault.way}")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Runner, "execute", execute)
        yield
