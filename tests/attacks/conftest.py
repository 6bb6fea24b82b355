"""Every answer given in these tests passes the oracle; afterwards the provider is healthy and has logged no secret."""

import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from idp.stores.sql.storage import SqlStorage
from tests.attacks.oracle import check_answer, secrets_in
from tests.attacks.wire import Wire
from tests.cli.processes import running, wait_for
from tests.ports import answers, free_port
from tests.provider import PASSWORD, SECRET, VERIFIER, Browser, House, make_house

# Far more than any answer takes, for the machine may be busy.
HANG_SECONDS = 10.0


@pytest.fixture(autouse=True)
def oracle(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Check every answer that a browser gets, and at the end the log."""
    caplog.set_level(logging.INFO)
    secrets, send = {PASSWORD, SECRET, VERIFIER}, Browser.send

    def checked_send(browser: Browser, *args: Any, **options: Any) -> httpx2.Response:
        started = time.monotonic()
        response = send(browser, *args, **options)
        assert time.monotonic() - started < HANG_SECONDS
        check_answer(response)
        secrets.update(secrets_in(response))
        return response

    monkeypatch.setattr(Browser, "send", checked_send)
    yield
    logged = "\n".join(repr(record.__dict__) for record in caplog.get_records("call") if record.name.startswith("idp"))
    assert not [secret for secret in secrets if secret in logged]
    assert "'unforeseen'" not in logged


@pytest.fixture
def house(house: House) -> Iterator[House]:
    """The house of all tests; when the attack is over it is healthy and someone else signs in as ever."""
    house.add_client("golden", redirect_uris=["https://golden.example/cb"])
    house.add_account("golden")
    yield house
    browser = house.browser()
    assert browser.get("/health/ready").status_code == 200
    code = browser.code_flow("golden", "golden", redirect_uri="https://golden.example/cb")["code"]
    tokens = browser.exchange(code, "golden", redirect_uri="https://golden.example/cb")
    assert browser.userinfo(tokens.json()["access_token"]).status_code == 200


@pytest.fixture
def developers_house(tmp_path: Path, ready_keys: None) -> Iterator[House]:
    """A provider in development, whose error pages show what was sent."""
    storage = SqlStorage(f"sqlite:///{tmp_path}/development.sqlite3")
    storage.migrate()
    made = make_house(storage, tmp_path / "development.key", development=True)
    made.add_client("web")
    yield made
    storage.close()


@pytest.fixture(scope="session")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    """One server for all."""
    port = free_port()
    issuer = f"http://127.0.0.1:{port}"
    options = ("--set", f"issuer={issuer}", "--set", f"port={port}", "--set", "throttle.per_client=100000")
    with running(tmp_path_factory.mktemp("wire"), *options, "serve") as provider:
        wait_for(lambda: answers(port), provider.said())
        found = Wire(provider, port)
        yield found
        assert found.send(found.head("GET /health/ready HTTP/1.1")).startswith(b"HTTP/1.1 200")
        assert provider.stop() == 0
        assert "Traceback" not in provider.said()
        assert "unforeseen" not in provider.said()
