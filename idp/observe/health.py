"""Health: whether this process can do its work, told without internals."""

import logging
from collections.abc import Callable

_log = logging.getLogger("idp.health")


def is_ready(*checks: Callable[[], object]) -> bool:
    """Tell whether every check returns; one that raises is logged, never shown."""
    for check in checks:
        try:
            check()
        except Exception as fault:
            _log.warning("not ready: %s", fault)
            return False
    return True
