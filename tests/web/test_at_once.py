"""What is answered on the event loop, and what takes a thread."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from idp.web.threads import Threads
from tests.cli.processes import wait_for
from tests.provider import House


@pytest.fixture
def threads_taken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note each call that takes a thread."""
    taken: list[str] = []
    run = Threads.run

    async def noted(self: Threads, call: Callable[[], Any]) -> Any:
        taken.append("thread")
        return await run(self, call)

    monkeypatch.setattr(Threads, "run", noted)
    return taken


def test_what_only_reads_takes_no_thread(house: House, threads_taken: list[str]) -> None:
    """UserInfo, introspection, keys and static files, on SQLite."""
    browser = house.browser()
    token = browser.tokens()["access_token"]
    threads_taken.clear()
    assert browser.userinfo(token).status_code == 200
    assert browser.userinfo("nonsense").status_code == 401
    assert browser.introspect(token)["active"] is True
    assert browser.get("/.well-known/jwks.json").status_code == 200
    assert browser.get("/static/signet.css").status_code == 200
    assert threads_taken == []


def test_what_writes_takes_none(house: House, threads_taken: list[str]) -> None:
    """Where the database is embedded and no password is hashed."""
    browser = house.browser()
    code = browser.code_flow()["code"]
    threads_taken.clear()
    tokens = browser.exchange(code).json()
    assert browser.refresh(tokens["refresh_token"]).status_code == 200
    assert browser.exchange(code).status_code == 400
    assert threads_taken == []


def test_what_would_have_to_wait_for_a_writer_takes_one(house: House, threads_taken: list[str]) -> None:
    """The loop goes on meanwhile; nothing was done twice."""
    with house.browser() as browser, ThreadPoolExecutor(1) as client:
        code = browser.code_flow()["code"]
        threads_taken.clear()
        with house.storage.begin():
            answer = client.submit(browser.exchange, code)
            wait_for(lambda: threads_taken, "it takes a thread")
            assert browser.get("/health/live").status_code == 200
            assert not answer.done()
        assert answer.result(10).status_code == 200
    assert threads_taken == ["thread"]


def test_what_has_to_write_after_all_takes_one(house: House, threads_taken: list[str]) -> None:
    """A client that fails to prove itself is counted, once; and so it is told apart from nobody."""
    browser = house.browser()
    token = browser.tokens()["access_token"]
    threads_taken.clear()
    answer = browser.post("/oauth2/introspect", data={"token": token}, auth=("web", "wrong"))
    assert answer.status_code == 401
    assert threads_taken == ["thread"]
    with house.storage.snapshot() as uow:
        failures = [event for event in uow.audit.list(limit=1_000) if event.name == "client.authentication_failed"]
    assert len(failures) == 1


def test_server_is_asked_from_a_thread(any_house: House, threads_taken: list[str]) -> None:
    """Its answer may take its time; SQLite's does not."""
    browser = any_house.browser()
    token = browser.tokens()["access_token"]
    threads_taken.clear()
    assert browser.userinfo(token).status_code == 200
    assert browser.introspect(token)["active"] is True
    is_server = any_house.storage.place.startswith("postgresql")  # type: ignore[attr-defined]
    assert threads_taken == ["thread"] * (2 if is_server else 0)


def test_what_is_the_same_for_everybody_is_no_news(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """The log is for what people and applications do, and for what goes wrong."""
    browser = house.browser()
    caplog.set_level("INFO", "idp.web")
    for path in ("/.well-known/jwks.json", "/.well-known/openid-configuration", "/static/signet.css", "/health/ready"):
        assert browser.get(path).status_code == 200
        assert browser.post(path).status_code == 405
    told = [(record.message, vars(record)["status"]) for record in caplog.records if record.message == "request"]
    assert told == [("request", 405)] * 4
