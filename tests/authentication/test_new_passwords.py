"""New passwords beyond the plain rules: what is easily guessed, and what is known from breaches of others."""

import hashlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from idp.authentication.breaches import Breaches
from idp.authentication.methods.password import Passwords
from idp.authentication.new_passwords import NewPasswords, Owner
from idp.authentication.strength import LONGEST_JUDGED, weakness_of
from idp.outbound.failures import OutboundFailed, OutboundRefused
from idp.settings import Argon2
from idp.stores.interfaces import UnitOfWork
from idp.stores.sql.storage import SqlStorage
from tests.account_pages import send, visitor
from tests.provider import PASSWORD, House, make_house

OWNER = Owner(names=("alice", "alice@example.org", "Signet"), has_second_factor=False)
NAME = hashlib.sha1(b"some words in a row", usedforsecurity=False).hexdigest().upper()


@pytest.mark.case("LG-38")
@pytest.mark.parametrize(
    ("password", "fault"),
    [
        ("michaeljennifer", "person"),
        ("qwertyuiopasdfghj", "guessed"),
        ("abcdefghijklmnop", "sequence"),
        ("hgfdsapoiuytrew", "keyboard"),
        ("passwordpassword1", "repeats"),
        ("1999123119991231", "repeated"),
        ("fourteen chars", "short"),
        ("some words in a row", None),
        (PASSWORD, None),
        ("x" * 4_097, "long"),
        ("пароль из многих слов", None),
        ("\ud800 and other words", None),
    ],
)
def test_what_is_easily_guessed(password: str, fault: str | None) -> None:
    """Each has its reason, and what merely lacks digits or signs is taken."""
    cheap = Passwords(Argon2(memory_kib=8, iterations=1))
    assert NewPasswords(cheap).fault_of(password, OWNER) == fault


def test_a_long_one_costs_no_more() -> None:
    """Only the beginning is judged, for the work grows with the square of the length."""
    assert weakness_of("words that are long enough " * 150, ()) is None
    assert weakness_of("a" * 4_096, ()) == weakness_of("a" * LONGEST_JUDGED, ()) == "repeats"


def test_names_of_others_do_not_count() -> None:
    """What one call knows of an account is not known to another one beside it."""
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda name: weakness_of("Xylanthia", (name,)), ["xylanthia", "bob"] * 10))
    assert found == ["words", None] * 10


@pytest.mark.parametrize(
    ("answer", "is_known"),
    [
        (f"{NAME[5:]}:3\r\n", True),
        (f"{'0' * 35}:9\r\n{NAME[5:].lower()}:1", True),
        (f"{NAME[5:]}:0\r\n", False),
        (f"{'0' * 35}:9\r\n", False),
        (f"{NAME[5:]}\r\n", False),
        ("", False),
        ("\xff<html>", False),
    ],
)
def test_ranges_are_compared_here(answer: str, is_known: bool) -> None:
    """Five digits are asked for, the rest is compared; lines of padding count nothing."""
    asked: list[str] = []

    def fetch(url: str) -> bytes:
        asked.append(url)
        return answer.encode("latin-1")

    assert Breaches("https://range.example/range/", fetch).has("some words in a row") is is_known
    assert asked == [f"https://range.example/range/{NAME[:5]}"]


@pytest.mark.parametrize("fault", [OutboundFailed("timed out"), OutboundRefused("a private address")])
def test_a_service_that_is_away_keeps_nobody_out(fault: Exception, caplog: pytest.LogCaptureFixture) -> None:
    """The password is accepted, and the log says why nobody was asked, without a digit of it."""

    def fetch(_url: str) -> bytes:
        raise fault

    assert not Breaches("https://range.example", fetch).has("some words in a row")
    assert "the breach check was left out" in caplog.text
    assert NAME[:5] not in caplog.text


class Range(BaseHTTPRequestHandler):
    """A service of ranges that knows one password."""

    seen: ClassVar[list[tuple[str, str | None]]] = []

    def do_GET(self) -> None:
        """Answer with that one, whatever is asked."""
        self.seen.append((self.path, self.headers["Add-Padding"]))
        body = f"{'A' * 35}:0\r\n{NAME[5:]}:12\r\n".encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""


@contextmanager
def service() -> Iterator[str]:
    """Run it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Range)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/range"
    server.shutdown()
    server.server_close()
    thread.join(5)


def open_units(storage: SqlStorage, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that has one member for each unit of work that is open to write."""
    found: list[int] = []
    begin = storage.begin

    @contextmanager
    def counted(**options: bool) -> Iterator[UnitOfWork]:
        with begin(**options) as uow:
            found.append(1)
            try:
                yield uow
            finally:
                found.pop()

    monkeypatch.setattr(storage, "begin", counted)
    return found


def test_the_check_on_the_wire(tmp_path: Path, ready_keys: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A password known from a breach is refused in words, one that is not is taken; no unit of work is open meanwhile,
    and padding is asked for."""
    storage = SqlStorage(f"sqlite:///{tmp_path}/signet.sqlite3")
    storage.migrate()
    units, while_asked = open_units(storage, monkeypatch), list[int]()
    has = Breaches.has

    def watched(self: Breaches, password: str) -> bool:
        while_asked.append(len(units))
        return has(self, password)

    monkeypatch.setattr(Breaches, "has", watched)
    with service() as url:
        house: House = make_house(
            storage, tmp_path / "key", password={"breach_check_url": url}, allow_loopback_outbound=True
        )
        house.add_account("alice")
        alice = visitor(house)
        page = alice.get("/account/password")
        refused = send(alice, page, "/password", current=PASSWORD, new="some words in a row")
        assert refused.status_code == 400
        assert "It is known from a theft of passwords elsewhere" in refused.text
        done = send(alice, page, "/password", current=PASSWORD, new="other words in a row")
        assert "Your password is changed." in done.text
    storage.close()
    assert while_asked == [0, 0]
    assert [path[:7] for path, _ in Range.seen] == ["/range/"] * 2
    assert {(len(path), padding) for path, padding in Range.seen} == {(len("/range/") + 5, "true")}
