"""The supervisor by itself, over workers that serve nobody: what it does when several things happen at once."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.processes import ROOT, clean_environment, is_alive, wait_for

# A worker serves until it is told to end, and says so; files in the directory change how it behaves.
PROGRAM = """
import os, signal, socket, sys
from pathlib import Path
from threading import Event
from idp.cli import workers

workers.FIRST_PAUSE_SECONDS, workers.LONGEST_PAUSE_SECONDS, workers.GRACE_SECONDS = 0.01, 0.05, 0.5
here = Path(sys.argv[1])

def say(what):
    os.write(1, f"{os.getpid()} {what}\\n".encode())

def work(listening, serves):
    if (here / "fail").exists():
        say("fails")
        return 1
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    say("serves")
    serves()
    signal.sigwait({signal.SIGTERM})
    say("told")
    Event().wait(60 if (here / "stuck").exists() else 0.3)
    if signal.SIGTERM in signal.sigpending():
        say("hurried")
    return 0

places = [socket.socket() for _ in range(3)]
sys.exit(0 if workers.Supervisor(places, work, shutdown_seconds=1).run() else 3)
"""


class Supervised:
    """A supervisor that runs, and what its workers have said."""

    def __init__(self, directory: Path, process: subprocess.Popen[bytes]) -> None:
        self.directory, self.process = directory, process

    def pids(self, said: str) -> list[int]:
        """Return the workers that have said it, in that order."""
        lines = (self.directory / "said").read_text().splitlines()
        return [int(pid) for pid, what in (line.split() for line in lines) if what == said]

    def living(self) -> set[int]:
        """Return the workers that serve and were not told to end."""
        return {pid for pid in self.pids("serves") if is_alive(pid)} - set(self.pids("told"))

    def send(self, number: signal.Signals) -> None:
        """Send the supervisor a signal."""
        self.process.send_signal(number)

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait until something is so."""
        wait_for(condition, (self.directory / "said").read_text())

    def stop(self) -> int:
        """Stop it and return the exit status; nobody is left."""
        self.send(signal.SIGTERM)
        status = self.process.wait(60)
        assert not any(is_alive(pid) for pid in self.pids("serves"))
        return status


@contextmanager
def supervising(directory: Path) -> Iterator[Supervised]:
    """Run a supervisor of three workers until the block ends."""
    with (directory / "said").open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(directory)],
            cwd=ROOT,
            env=clean_environment(),
            stdout=said,
            stderr=subprocess.DEVNULL,
        )
    found = Supervised(directory, process)
    try:
        yield found
    finally:
        process.kill()
        process.wait()
        for pid in found.pids("serves"):
            if is_alive(pid):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture
def supervised(tmp_path: Path) -> Iterator[Supervised]:
    """A supervisor whose three workers serve."""
    with supervising(tmp_path) as found:
        found.wait_until(lambda: len(found.living()) == 3)
        yield found


def test_stop_during_a_renewal_is_not_lost(supervised: Supervised) -> None:
    """It ends the renewal, and nobody who was told already is hurried."""
    supervised.send(signal.SIGHUP)
    supervised.wait_until(lambda: bool(supervised.pids("told")))
    assert supervised.stop() == 0
    assert set(Counter(supervised.pids("told")).values()) == {1}
    assert len(supervised.pids("serves")) < 6
    assert not supervised.pids("hurried")


def test_worker_that_dies_during_a_renewal_is_replaced(supervised: Supervised) -> None:
    """Also one that is new, and the renewal goes on."""
    before = supervised.living()
    supervised.send(signal.SIGHUP)
    supervised.wait_until(lambda: bool(supervised.pids("told")))
    victim = (supervised.living() - before).pop()
    os.kill(victim, signal.SIGKILL)
    supervised.wait_until(lambda: not before & supervised.living() and len(supervised.living()) == 3)
    assert supervised.stop() == 0


def test_old_worker_that_dies_before_its_turn_is_replaced_once(supervised: Supervised) -> None:
    """Three places, three workers, whoever filled them."""
    before = supervised.living()
    supervised.send(signal.SIGHUP)
    supervised.wait_until(lambda: bool(supervised.pids("told")))
    os.kill((supervised.living() & before).pop(), signal.SIGSEGV)
    supervised.wait_until(lambda: not before & supervised.living() and len(supervised.living()) == 3)
    assert supervised.stop() == 0
    assert len(supervised.pids("serves")) == 6


def test_renewal_asked_for_during_another_is_done_after_it(supervised: Supervised) -> None:
    """Or a worker that was replaced first would keep the certificate of before the second signal."""
    supervised.send(signal.SIGHUP)
    supervised.wait_until(lambda: bool(supervised.pids("told")))
    supervised.send(signal.SIGHUP)
    supervised.wait_until(lambda: len(supervised.pids("told")) == 6 and len(supervised.living()) == 3)
    assert supervised.stop() == 0
    assert len(supervised.pids("serves")) == 9


def test_new_worker_that_fails_leaves_the_old_ones(supervised: Supervised) -> None:
    """However often it is tried, and nobody is told to end for one that said nothing."""
    before = supervised.living()
    (supervised.directory / "fail").touch()
    for count in range(1, 13):
        supervised.send(signal.SIGHUP)
        supervised.wait_until(lambda count=count: len(supervised.pids("fails")) >= count)  # type: ignore[misc]
    (supervised.directory / "fail").unlink()
    assert supervised.living() == before
    victim = before.pop()
    os.kill(victim, signal.SIGKILL)
    supervised.wait_until(lambda: len(supervised.living()) == 3)
    assert before < supervised.living()
    assert supervised.stop() == 0


def test_workers_that_die_as_they_start_are_given_up(tmp_path: Path) -> None:
    """After ten in a row, with a failure."""
    (tmp_path / "fail").touch()
    with supervising(tmp_path) as found:
        assert found.process.wait(60) == 3
        assert 10 <= len(found.pids("fails")) <= 12


def test_worker_that_does_not_end_is_killed(supervised: Supervised) -> None:
    """After its time, which is told as a failure."""
    (supervised.directory / "stuck").touch()
    assert supervised.stop() == 3
