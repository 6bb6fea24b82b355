"""Runs a module as `python -m` would, on a leash: when the process that holds the other end of its standard input is
gone, however it ended, this one ends too. So a demo that was killed leaves nothing behind.

    python leash.py MODULE [ARGUMENT]...

It is run by its path and needs the standard library only, so that what it runs shares nothing with the provider.
"""

import os
import runpy
import signal
import sys
import threading

GRACE_SECONDS = 8.0


def hold(descriptor: int) -> None:
    """Ask this process to end once the descriptor is at its end, and end it if it does not."""
    try:
        while os.read(descriptor, 4096):
            pass
    except OSError:
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(GRACE_SECONDS)
    os._exit(1)


def main() -> None:
    """Tie this process to its standard input and become the module."""
    sys.path[0] = os.getcwd()
    threading.Thread(target=hold, args=(sys.stdin.fileno(),), name="leash", daemon=True).start()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
