"""A server in a process of its own, and what the kernel says of it and its children. Linux only."""

import http.client
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

START_SECONDS = 30.0
# <linux/time.h>: the processor's clock of another process, user and kernel mode, all threads, in nanoseconds.
CPUCLOCK_SCHED = 2


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers. `database_pid` is its database's server, None where that is within it."""

    process: subprocess.Popen[bytes]
    port: int
    ready_seconds: float
    database_pid: int | None = None

    @property
    def host(self) -> str:
        """Its Host field."""
        return f"127.0.0.1:{self.port}"

    def cpu_seconds(self) -> float:
        """Return the processor time that all its processes have used."""
        return sum(cpu_seconds_of(pid) for pid in family(self.process.pid))

    def database_cpu_seconds(self) -> float:
        """Return the processor time of the database's own processes; 0 where there are none."""
        return sum(map(cpu_seconds_of, family(self.database_pid))) if self.database_pid else 0.0

    def megabytes(self) -> float:
        """Return the resident memory of all its processes; what several share counts once (PSS)."""
        return sum(_proportional_kib(pid) for pid in family(self.process.pid)) / 1024


@contextmanager
def running(
    command: Sequence[str],
    port: int,
    path: str,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    database_pid: int | None = None,
) -> Iterator[Running]:
    """Serve until the block ends; `path` answers 200 as soon as the server can. Its log is kept in the folder. Raises
    `SystemExit` when it does not come up."""
    with (folder / f"{port}.log").open("ab") as log:
        everything = {**os.environ, **(environment or {})}
        began = time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=everything)
    try:
        if not _answers(process, port, path):
            said = (folder / f"{port}.log").read_text()[-2000:]
            raise SystemExit(f"{' '.join(command)}\ndid not become ready:\n{said}")
        yield Running(process, port, time.monotonic() - began, database_pid)
    finally:
        process.terminate()
        process.wait(30)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def family(pid: int) -> list[int]:
    """Return a process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            # The name comes before, in brackets, and may hold anything.
            parent = int((place / "stat").read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(place.name))
    found = [pid]
    for member in found:
        found += children.get(member, ())
    return found


def cpu_seconds_of(pid: int) -> float:
    """Return the processor time that a process has used; 0 for one that is gone."""
    try:
        return time.clock_gettime((~pid << 3) | CPUCLOCK_SCHED)
    except OSError:
        return 0.0


def _proportional_kib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("Pss:")).split()[1])


def _answers(process: subprocess.Popen[bytes], port: int, path: str) -> bool:
    give_up_at = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < give_up_at:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
        try:
            connection.request("GET", path)
            return connection.getresponse().status == 200
        except OSError:
            time.sleep(0.005)
        finally:
            connection.close()
    return False
