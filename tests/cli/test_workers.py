"""`idp serve --workers N`: several processes on one address, watched, replaced and stopped together."""

import os
import signal
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection, RemoteDisconnected
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.cli.processes import ROOT, Running, children_of, clean_environment, is_alive, running, wait_for
from tests.ports import free_port


class Provider:
    """A provider of several workers, with one client."""

    def __init__(self, directory: Path, port: int, process: Running) -> None:
        self.directory, self.port, self.process = directory, port, process

    @property
    def workers(self) -> set[int]:
        """The process ids of the workers."""
        return set(children_of(self.process.process.pid))

    def command(self, *arguments: str) -> None:
        """Run another command on the same provider."""
        subprocess.run(
            [sys.executable, "-m", "idp", *arguments],
            cwd=self.directory,
            env=clean_environment() | {"PYTHONPATH": str(ROOT)},
            check=True,
            capture_output=True,
            text=True,
        )

    def ask(self, connection: HTTPConnection) -> int:
        """Send a token request on a connection and return the status; one that had grown idle is opened anew."""
        try:
            return self._ask(connection)
        except (BrokenPipeError, RemoteDisconnected, ConnectionResetError):
            connection.close()
            return self._ask(connection)

    def _ask(self, connection: HTTPConnection) -> int:
        secret = (self.directory / "secret").read_text().strip()
        basic = b64encode(f"svc:{secret}".encode()).decode()
        headers = {"authorization": f"Basic {basic}", "content-type": "application/x-www-form-urlencoded"}
        connection.request("POST", "/oauth2/token", urlencode({"grant_type": "client_credentials"}), headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status

    @contextmanager
    def connections(self, count: int) -> Iterator[list[HTTPConnection]]:
        """Open connections, over which the kernel spreads the workers."""
        with ExitStack() as opened:
            made = [HTTPConnection("127.0.0.1", self.port, timeout=10) for _ in range(count)]
            for connection in made:
                opened.callback(connection.close)
            yield made

    def statuses(self, count: int = 12) -> set[int]:
        """Return what requests on so many connections are answered with."""
        with self.connections(count) as connections:
            return {self.ask(connection) for connection in connections}


@contextmanager
def provider_of(directory: Path, *options: str) -> Iterator[Provider]:
    """Run a provider with a client until the block ends."""
    port = free_port()
    (directory / "idp.toml").write_text(f'issuer = "http://127.0.0.1:{port}"\nport = {port}\n')
    with running(directory, *options, "serve") as process:
        found = Provider(directory, port, process)
        wait_for(lambda: process.said().count('"serving"') >= 2 or process.process.poll() is not None, process.said())
        found.command("client", "add", "svc", "--grant-type", "client_credentials", "--secret-file", "secret")
        yield found


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    """A provider of two workers over SQLite."""
    with provider_of(tmp_path_factory.mktemp("workers"), "--set", "workers=2") as found:
        yield found


def test_both_serve_and_say_which_they_are(provider: Provider) -> None:
    """Connections are spread over the workers; each line of the log tells whose it is."""
    assert len(provider.workers) == 2
    assert provider.statuses(32) == {200}
    said = {event["worker"] for event in provider.process.events() if event["event"] == "request"}
    assert provider.workers <= said


def test_a_change_counts_with_both_at_once(provider: Provider) -> None:
    """A client that is disabled gets nothing more from either, over connections that are open already."""
    with provider.connections(12) as connections:
        assert {provider.ask(connection) for connection in connections} == {200}
        provider.command("client", "disable", "svc")
        assert {provider.ask(connection) for connection in connections} == {401}
        provider.command("client", "enable", "svc")
        assert {provider.ask(connection) for connection in connections} == {200}


@pytest.mark.case("OP-32", "OP-34")
@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL])
def test_a_worker_that_dies_is_replaced(provider: Provider, number: signal.Signals) -> None:
    """The other one serves on, and the requests of the dead one's place wait for the next."""
    before = provider.workers
    victim = min(before)
    os.kill(victim, number)
    assert provider.statuses() == {200}
    wait_for(lambda: len(provider.workers) == 2 and victim not in provider.workers, "a new worker")
    assert before - {victim} < provider.workers


@pytest.mark.case("OP-31")
def test_sighup_replaces_all_without_turning_anyone_away(provider: Provider) -> None:
    """While connections come and go."""
    before = provider.workers
    provider.process.process.send_signal(signal.SIGHUP)
    asked = 0
    while before & provider.workers:
        assert provider.statuses(4) == {200}
        asked += 1
    assert asked > 1
    assert provider.statuses() == {200}
    wait_for(lambda: len(provider.workers) == 2, "two workers")


def test_all_end_together(tmp_path: Path) -> None:
    """At SIGTERM, with success."""
    with provider_of(tmp_path, "--set", "workers=2") as provider:
        workers = provider.workers
        assert provider.process.stop() == 0
        assert not any(is_alive(pid) for pid in workers)


def test_workers_do_not_outlive_their_supervisor(tmp_path: Path) -> None:
    """Even if it is killed."""
    with provider_of(tmp_path, "--set", "workers=2") as provider:
        workers = provider.workers
        provider.process.process.kill()
        wait_for(lambda: not any(is_alive(pid) for pid in workers), "the workers end")


def test_a_start_that_must_fail_is_told_once(tmp_path: Path) -> None:
    """The supervisor finds it, not each worker again and again."""
    (tmp_path / "broken.key").write_text("broken")
    (tmp_path / "broken.key").chmod(0o600)
    options = ("--set", f"port={free_port()}", "--set", "workers=2", "--set", "key_encryption_key_file=broken.key")
    with running(tmp_path, *options, "serve") as process:
        assert process.process.wait(60) == 1
    assert process.said().count("Error: ") == 1
    assert "broken.key" in process.said()
    assert "worker" not in process.said()
