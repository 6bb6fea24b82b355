"""Memory that hashes have used: when it goes back, and that it does."""

import subprocess
import sys
from queue import SimpleQueue
from threading import Event

import pytest

from idp.authentication.methods.password import Passwords
from idp.heap import Heap
from idp.settings import Argon2

CHEAP = Argon2(memory_kib=8, iterations=1)


def test_every_hash_is_told() -> None:
    """Also one that fails, and one of a password that is wrong."""
    told: list[None] = []
    passwords = Passwords(CHEAP, lambda: told.append(None))
    encoded = passwords.hash("right")
    assert passwords.verify(encoded, "right").ok
    assert not passwords.verify(encoded, "wrong").ok
    assert not passwords.verify("no hash", "right").ok
    assert len(told) == 4


class Meanwhile(Event):
    """What the heap waits for, in which somebody hashes so many times, each within the time."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.left, self.heap = times, Heap(self.note)
        self.trimmed: SimpleQueue[int] = SimpleQueue()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for no time."""
        if self.left:
            self.left -= 1
            self.heap.used()
        return super().wait(0 if timeout else None)

    def note(self) -> None:
        """Note how many are still to come."""
        self.trimmed.put(self.left)


def test_it_goes_back_once_nobody_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not while somebody hashes again and again, and not twice for nothing."""
    meanwhile = Meanwhile(20)
    heap = meanwhile.heap
    monkeypatch.setattr(heap, "_stop", meanwhile)
    heap.start()
    try:
        for _ in range(2):
            heap.used()
            assert meanwhile.trimmed.get(timeout=10) == 0
    finally:
        heap.stop()
    assert meanwhile.trimmed.empty()


def test_it_stops_at_once() -> None:
    """Whether it waits for a use or for quiet; what is used then is left as it is."""
    trimmed: list[None] = []
    for is_used in (False, True):
        heap = Heap(lambda: trimmed.append(None), quiet_seconds=600)
        heap.start()
        if is_used:
            heap.used()
        heap.stop()
    assert trimmed == []


HASHING = """
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
import idp.heap
from idp.authentication.methods.password import Passwords
from idp.settings import Argon2

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4 // 1024

trimmed = SimpleQueue()
heap = idp.heap.Heap(lambda: trimmed.put(idp.heap._trim()), quiet_seconds=1)
heap.start()
passwords = Passwords(Argon2(memory_kib=19456, iterations=1), heap.used)
before = resident()
for _ in range(3):
    threads = [Thread(target=passwords.hash, args=("x",)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
kept = resident() - before
trimmed.get(timeout=30)
print(kept, resident() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only the GNU C library keeps it")
def test_the_system_has_it_again() -> None:
    """What hashes have used is kept for the next ones, and is the system's again after a moment."""
    done = subprocess.run([sys.executable, "-c", HASHING], capture_output=True, text=True, check=True, timeout=60)
    kept, left = map(int, done.stdout.split())
    assert kept >= 18
    assert left <= 4
