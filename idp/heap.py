"""What the C library keeps of memory that was given back to it (glibc; elsewhere nothing is done).

Two passwords hashed at a time take 38 MiB, and glibc keeps them for the next ones: in a heap of each thread, of which
nothing ever goes back to the system. Going back after every hash would cost half as much as the hash, for the system
clears each page that it hands out again. So there is one heap, and what is free in it goes back once nobody has hashed
for a while.
"""

import ctypes
import sys
from collections.abc import Callable
from threading import Event, Thread

# Whoever signs in after it waits until the pages are there again: on a virtual machine 18 ms.
QUIET_SECONDS = 10.0
# <malloc.h>: how many heaps there are; from which size on something is mapped by itself, and so goes back at once (no
# more than 32 MiB can be said); how much may be free at the heap's end before a part goes back unasked.
_OPTIONS = ((-8, 1), (-3, 32 << 20), (-1, 256 << 20))


class Heap:
    """Gives back what was freed when nobody has needed it for a while: a thread, which waits meanwhile."""

    def __init__(self, trim: Callable[[], None] | None = None, quiet_seconds: float = QUIET_SECONDS) -> None:
        self._trim, self._quiet_seconds = trim or _trim, quiet_seconds
        self._used, self._stop = Event(), Event()
        self._thread = Thread(target=self._run, name="heap", daemon=True)

    def start(self) -> None:
        """Begin, before there are threads which would get heaps of their own."""
        for option, value in _OPTIONS:
            _call("mallopt", option, value)
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stop.set()
        self._used.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def used(self) -> None:
        """Note that much memory was used and is free again. From any thread, and at once."""
        self._used.set()

    def _run(self) -> None:
        while self._used.wait():
            while self._used.is_set():
                self._used.clear()
                if self._stop.wait(self._quiet_seconds):
                    return
            self._trim()


def _trim() -> None:
    _call("malloc_trim", 0)


def _call(name: str, *arguments: int) -> None:
    function = getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
    if function is not None:
        function(*arguments)
