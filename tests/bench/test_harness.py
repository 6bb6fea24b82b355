"""The whole harness with tiny numbers, and the load it sends."""

import re
import socketserver
import threading
from collections.abc import Iterator

import pytest

from bench.client import Lane, Load, send_all, send_lanes
from bench.document import DOCUMENT, PARTS, replaced
from bench.measuring import require
from bench.run import Plan, run
from bench.table import render

TINY = Plan(only=("refresh", "sign-in"), rounds=1, scale=0.01, workers=1, starts=0, beside=0.1, stock=20)


def test_harness_gives_a_table() -> None:
    """Against a real server over a small stock: a row for each work asked for, and what became of each goal."""
    said: list[str] = []
    text = render(run(TINY, said.append), "Here.")
    number = r"\d+(\.\d+)? \(\d+(\.\d+)?–\d+(\.\d+)?\)"
    for name in ("refresh RS256", "refresh ES256", "refresh EdDSA", "sign-in by password"):
        row = next(line for line in text.splitlines() if line.startswith(f"| {name} |"))
        assert re.match(rf"\| {name} \| [^|]+ \| {number} \| {number} \| \d+ \| {number} \|", row), row
    assert "code exchange" not in [line.split("|")[1].strip() for line in text.splitlines() if line.count("|") == 11]
    assert re.search(r"\| refresh RS256: ≥ 0.60 of two signatures \| \d\.\d\d \| (yes|no) \|", text)
    assert re.search(r"\| one worker \| \d+\.\d\d \(.+\) \| \d+ \| \d+ \|", text)
    assert "beside a steady stream of sign-ins" in text
    assert "warming up" in said


def test_wrong_answers_are_no_measurement() -> None:
    """A run ends when an answer is not the one expected."""
    load = Load([(200, b"fine"), (429, b"slow down")], 1.0, [1.0, 1.0], 0.1)
    with pytest.raises(SystemExit, match="1 answers were not 200"):
        require(load, 200, "exchanges")


class _Answers(socketserver.BaseRequestHandler):
    """Answers in two parts, but closes the connection where it is asked for `/close`."""

    def handle(self) -> None:
        while b"/close" not in (asked := self.request.recv(1000)) and asked:
            self.request.sendall(b"HTTP/1.1 201 Created\r\nContent-Le")
            self.request.sendall(b"ngth: 4\r\n\r\nbody")


@pytest.fixture
def port() -> Iterator[int]:
    """The port of a server that answers."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Answers) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def test_client_waits_for_what_is_due(port: int) -> None:
    """Two requests over two connections, where the second is due later than the first."""
    load = send_lanes(Lane(port, [b"GET /1", b"GET /2"], connections=2, rate=10.0))[0]
    assert [(status, answer[-4:]) for status, answer in load.answers] == [(201, b"body")] * 2
    assert load.seconds >= 0.1
    assert load.latencies[0] < 1000 * load.seconds


def test_client_refuses_to_count_a_broken_connection(port: int) -> None:
    """A server that closes instead of answering is an error, not a fast answer."""
    with pytest.raises(ConnectionError, match="closed a connection"):
        send_all(port, [b"GET /1", b"GET /close"], connections=1)


def test_document_takes_a_part_between_its_marks() -> None:
    """What stands around stays; a part without a place is refused."""
    document = "a\n<!-- sqlite -->\nold\n<!-- end of sqlite -->\nb\n"
    assert replaced(document, "sqlite", r"new \1") == ("a\n<!-- sqlite -->\n\nnew \\1\n\n<!-- end of sqlite -->\nb\n")
    with pytest.raises(SystemExit, match="no place for postgresql"):
        replaced(document, "postgresql", "new")


def test_document_has_a_place_for_each_part() -> None:
    """Nothing is measured for an hour and then thrown away."""
    document = DOCUMENT.read_text()
    for part in PARTS:
        assert replaced(document, part, "figures").count("figures\n\n<!-- end") == 1
