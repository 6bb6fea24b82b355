"""OP-32, OP-41: more sign-ins at once than can be judged: the surplus is told so, everything else goes on (R18).

`python -m tests.overload` does the same to a provider in a process of its own, for as long as it takes."""

import asyncio
import threading
from base64 import b64encode
from pathlib import Path
from unittest.mock import Mock
from urllib.parse import urlencode

import pytest

from idp.authentication.methods.password import Passwords, Verified
from tests.attacks.pages import hidden
from tests.attacks.raw import FORM, RawAnswer, exchange, scope_of
from tests.provider import PASSWORD, SECRET, Browser, House, make_house

BASIC = (b"authorization", b"Basic " + b64encode(f"svc:{SECRET}".encode()))
AT_ONCE, MOST = 40, 8


@pytest.fixture
def narrow(house: House, tmp_path: Path) -> House:
    """A provider where eight may wait."""
    return make_house(house.storage, tmp_path / "key-encryption.key", queue_limit=MOST, throttle={"per_account": 1000})


def cookies(browser: Browser) -> bytes:
    """Return a browser's Cookie header."""
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.cookies.jar).encode()


@pytest.mark.case("OP-32", "OP-41")
def test_the_surplus_of_sign_ins_is_shed(narrow: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """At once, with the time after which to come again; tokens are issued meanwhile, and nothing of it stays."""
    release, verify = threading.Event(), Passwords.verify

    def slow(passwords: Passwords, encoded: str | None, password: str) -> Verified:
        assert release.wait(10)
        return verify(passwords, encoded, password)

    monkeypatch.setattr(Passwords, "verify", slow)

    def form() -> tuple[bytes, bytes]:
        browser = narrow.browser()
        page = browser.follow(browser.authorize())
        fields = hidden(page) | {"username": "alice", "password": PASSWORD, "action": "sign_in"}
        return cookies(browser), urlencode(fields).encode()

    forms = [form() for _ in range(AT_ONCE)]

    async def rush() -> list[RawAnswer]:
        tasks = [
            asyncio.create_task(exchange(narrow, scope_of("POST", "/login", FORM, (b"cookie", cookie)), body))
            for cookie, body in forms
        ]
        while sum(task.done() for task in tasks) < AT_ONCE - MOST:
            await asyncio.wait([task for task in tasks if not task.done()], return_when=asyncio.FIRST_COMPLETED)
        token = await exchange(narrow, scope_of("POST", "/oauth2/token", FORM, BASIC), b"grant_type=client_credentials")
        assert token[0] == 200
        assert sum(task.done() for task in tasks) == AT_ONCE - MOST
        release.set()
        return await asyncio.gather(*tasks)

    answers = asyncio.run(asyncio.wait_for(rush(), 20))
    statuses = [status for status, _, _ in answers]
    assert (statuses.count(503), statuses.count(303)) == (AT_ONCE - MOST, MOST)
    assert all(int(dict(headers)[b"retry-after"]) > 0 for status, headers, _ in answers if status == 503)
    with narrow.storage.snapshot() as uow:
        assert sum(event.name == "session.started" for event in uow.audit.list(limit=1000)) == MOST
    assert narrow.browser().code_flow()["code"]


@pytest.mark.case("OP-32")
def test_a_full_machine_is_told(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not as a wrong password, nor as a fault; with room again the same form signs in."""
    browser = house.browser()
    page = browser.follow(browser.authorize())
    with monkeypatch.context() as full:
        full.setattr(Passwords, "verify", Mock(side_effect=MemoryError))
        form = hidden(page) | {"username": "alice", "password": PASSWORD, "action": "sign_in"}
        scope = scope_of("POST", "/login", FORM, (b"cookie", cookies(browser)))
        status, headers, body = asyncio.run(exchange(house, scope, urlencode(form).encode()))
        assert (status, dict(headers)[b"retry-after"]) == (503, b"5")
        assert b"MemoryError" not in body
    assert browser.sign_in(page).is_redirect
