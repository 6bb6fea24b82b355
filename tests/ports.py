"""Ports that stay free until the test that asked for them listens there.

A port that the system picks is also one that the system gives to any outgoing connection a moment later, and a demo
that stops and starts again loses it. So these are from below the range that systems give out (32768 and up, RFC 6335
49152), and each of the processes that run the tests side by side has a part of its own.
"""

import os
import socket
from itertools import count

_FIRST, _PER_PROCESS, _PROCESSES = 20_000, 1_500, 8
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _PROCESSES
# Another run of the tests on this machine begins elsewhere.
_NEXT = count(os.getpid() * 7)


def free_port(how_many: int = 1) -> int:
    """Return a port that is free together with those after it."""
    while True:
        ports = [next(_NEXT) % _PER_PROCESS + _FIRST + _WORKER * _PER_PROCESS for _ in range(how_many)]
        if ports[-1] - ports[0] == how_many - 1 and not any(map(answers, ports)):
            return ports[0]


def answers(port: int, host: str = "127.0.0.1") -> bool:
    """Tell whether somebody listens."""
    with socket.socket() as probe:
        return probe.connect_ex((host, port)) == 0
