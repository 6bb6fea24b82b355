"""The Shop under test: a process of its own for each module, so that no document of an earlier provider is known."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conformance_rp.surroundings import Surroundings

CLIENT_ID = "shop"

_SOURCE = Path(__file__).parents[2]
_STOP_SECONDS = 20.0


class ShopFailed(RuntimeError):
    """The Shop did not start; the text is what it said."""


@contextmanager
def running_shop(surroundings: Surroundings, secret_file: Path) -> Iterator[None]:
    """Run the Shop as a relying party of the suite until the block ends. Raises ShopFailed."""
    options = {
        "--issuer": surroundings.issuer,
        "--port": surroundings.shop_port,
        "--base-url": surroundings.shop,
        "--client-id": CLIENT_ID,
        "--client-secret-file": secret_file,
        "--ca-file": surroundings.ca,
        "--tls-certificate-file": surroundings.certificate,
        "--tls-key-file": surroundings.key,
    }
    arguments = [str(part) for option in options.items() for part in option]
    process = subprocess.Popen(
        [sys.executable, "-m", "demo_clients.shop", "--sign-in-only", "--allow-older-provider", *arguments],
        cwd=_SOURCE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        if "ready at" not in process.stdout.readline():
            raise ShopFailed(process.communicate(timeout=_STOP_SECONDS)[1])
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=_STOP_SECONDS)
