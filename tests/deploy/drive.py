"""Whole sign-ins through a real proxy while instances are killed and restarted. By hand, some minutes:

python -m tests.deploy.drive nginx      python -m tests.deploy.drive haproxy
"""

import re
import shutil
import signal
import socket
import ssl
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import httpx2

from idp.clock import monotonic
from tests.cli.processes import wait_for
from tests.deploy.instances import Site, made_directory
from tests.deploy.journey import VISITORS_ADDRESS, Failed, Visitor
from tests.deploy.proxies import NAME

VISITORS = 4
RESTARTS = 10


class Load:
    """Visitors who sign in, over and over, each as an account of their own; counts what failed and how."""

    def __init__(self, site: Site) -> None:
        self.done, self.failed, self.told = 0, 0, Counter[str]()
        self._over, self._lock = threading.Event(), threading.Lock()
        self._threads = [threading.Thread(target=self._visit, args=(target,)) for target in site.targets]
        self._targets = site.targets
        for thread in self._threads:
            thread.start()

    def _visit(self, target: object) -> None:
        while not self._over.is_set():
            # A new connection each time, as new people make.
            visitor = Visitor(target)  # type: ignore[arg-type]
            try:
                visitor.whole_journey()
                self._count(None)
            except (Failed, httpx2.HTTPError) as error:
                self._count(re.sub(r"\s+", " ", str(error) or type(error).__name__)[:60])
            finally:
                visitor.close()

    def _count(self, failure: str | None) -> None:
        with self._lock:
            self.done += failure is None
            if failure is not None:
                self.failed += 1
                self.told[failure] += 1

    def wait_for_more(self, journeys: int) -> None:
        """Return when so many more have ended well."""
        least = self.done + journeys
        wait_for(lambda: self.done >= least, "the visitors wait")

    def end(self) -> str:
        """Stop and tell."""
        self._over.set()
        for thread in self._threads:
            thread.join()
        return f"{self.done} journeys, {self.failed} failed {dict(self.told)}"


def during(site: Site, what: str, act: Callable[[Load], None]) -> None:
    """Act while visitors come, and print what became of them."""
    began, load = monotonic(), Load(site)
    try:
        load.wait_for_more(8)
        act(load)
        load.wait_for_more(8)
    finally:
        told = load.end()
        print(f"{what}: {told} in {monotonic() - began:.0f} s", flush=True)


def restart(site: Site, load: Load, *, drain: bool, number: signal.Signals = signal.SIGTERM) -> None:
    """Restart both instances, one after the other, `RESTARTS` times."""
    for _ in range(RESTARTS):
        for instance in site.instances:
            if drain:
                site.proxy.drain(instance.port)
            status = instance.stop(number)
            assert status == (0 if number is signal.SIGTERM else -number), status
            instance.start()
            if drain:
                site.proxy.drain()
            else:
                load.wait_for_more(12)


def look_at_the_edge(site: Site) -> None:
    """Addresses, bounds and slow peers, each by one look."""
    target = site.targets[0]
    honest = Visitor(target, **{"x-forwarded-for": "203.0.113.9", "forwarded": "for=203.0.113.9"})
    honest.whole_journey()
    with site.server.connect(site.environment["IDP_DATABASE_URL"]) as connection:
        rows = connection.execute("SELECT DISTINCT address FROM audit WHERE address <> ''").fetchall()
    assert rows == [(VISITORS_ADDRESS,)], rows
    print(f"the audit has the visitor's address {VISITORS_ADDRESS}, and not the one that the visitor stated")
    for what, status, answer in (
        ("a body of 70 kB", {413}, honest.send("POST", "/oauth2/token", data={"a": "b" * 70_000})),
        ("a query of 40 kB", {414, 400, 431}, honest.send("GET", "/oauth2/authorize", params={"a": "b" * 40_000})),
        ("a query of 20 kB", {400}, honest.send("GET", "/oauth2/authorize", params={"a": "b" * 20_000})),
        ("another Host", {421, 404}, honest.send("GET", "/login", headers={"host": "evil.example"})),
    ):
        print(f"{what}: {answer.status_code}")
        assert answer.status_code in status, what
    plain = httpx2.get(f"http://127.0.0.1:{site.http}/login", headers={"host": NAME})
    assert plain.status_code == 301
    assert plain.headers["location"].startswith("https://")
    for what, sent in (
        ("half a head", b"GET /login HTTP/1.1\r\nhost: " + NAME.encode()),
        (
            "half a body",
            f"POST /oauth2/token HTTP/1.1\r\nhost: {NAME}:{site.port}\r\ncontent-length: 100\r\n\r\nabc".encode(),
        ),
    ):
        print(f"{what}: {slow(target.trust, site.port, sent)}")


def slow(trust: ssl.SSLContext | None, port: int, sent: bytes) -> str:
    """Send a part of a request and tell when and how the proxy ended the wait."""
    assert trust is not None
    began = monotonic()
    with (
        socket.create_connection(("127.0.0.1", port), timeout=30) as raw,
        trust.wrap_socket(raw, server_hostname=NAME) as tls,
    ):
        tls.sendall(sent)
        answer = tls.recv(64)
    took = monotonic() - began
    assert took < 20
    return f"ended after {took:.0f} s with {answer[:12]!r}"


def main(proxy: str) -> None:
    """Do all of it with one proxy."""
    directory = made_directory(Path(tempfile.mkdtemp(prefix="signet-drive-")))
    site = Site(directory, proxy, VISITORS)
    try:
        look_at_the_edge(site)
        during(site, "undisturbed", lambda load: load.wait_for_more(200))
        during(site, f"{2 * RESTARTS} restarts, drained", lambda load: restart(site, load, drain=True))
        during(site, f"{2 * RESTARTS} restarts, not drained", lambda load: restart(site, load, drain=False))
        during(
            site,
            f"{2 * RESTARTS} times kill -9",
            lambda load: restart(site, load, drain=False, number=signal.SIGKILL),
        )
    finally:
        site.close()
    shutil.rmtree(directory)


if __name__ == "__main__":
    main(sys.argv[1])
