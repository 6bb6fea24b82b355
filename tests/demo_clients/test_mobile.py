"""The native application, run whole: a real loopback redirect, a token file, both APIs, renewal, revocation."""

import json
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import httpx2
import pytest

from demo_clients.mobile.cli import main
from demo_clients.mobile.native_app import SCOPE
from demo_clients.mobile.token_file import TokenFile
from tests.demo_clients.provider import BANK, ISSUER, SHOP, SUBJECT, Members
from tests.demo_clients.wire import World, parameters

pytestmark = [pytest.mark.requirement("RFC 8252", "7.3")]

Browser = Callable[[str], None]


@dataclass
class Terminal:
    """Runs commands of the program against the world of the test."""

    world: World
    path: Path
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]
    pages: list[httpx2.Response] = field(default_factory=list)

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """Exit status, output and errors of one command."""
        status = main(
            ["--token-file", str(self.path), "--timeout", "5", *arguments],
            transport=self.world.servers,
            now=self.world.clock,
        )
        captured = self.capsys.readouterr()
        return status, captured.out, captured.err

    def login(self, browser: Browser | None = None) -> tuple[int, str, str]:
        """Sign in with the given browser, or with one that does as it is told."""
        threads: list[threading.Thread] = []

        def opened(url: str) -> bool:
            thread = threading.Thread(target=browser or self.follow, args=(url,))
            thread.start()
            threads.append(thread)
            return True

        self.monkeypatch.setattr("webbrowser.open", opened)
        result = self.run("login")
        for thread in threads:
            thread.join(10)
        return result

    def follow(self, url: str, **changes: str) -> None:
        """Be the browser: the provider says yes, and its answer goes to the loopback address."""
        answer = {**self.answer(url), **changes}
        self.visit(parameters(url)["redirect_uri"], answer)

    def answer(self, url: str) -> dict[str, str]:
        """The provider's answer to an authorization request."""
        code = self.world.provider.issue_code(list(httpx2.QueryParams(httpx2.URL(url).query.decode()).multi_items()))
        return {"code": code, "state": parameters(url)["state"], "iss": ISSUER}

    def visit(self, redirect_uri: str, answer: dict[str, str]) -> None:
        """Go to the loopback address and keep the page."""
        self.pages.append(httpx2.get(f"{redirect_uri}?{urlencode(answer)}", trust_env=False, timeout=10))

    def kept(self) -> Members:
        """What the token file holds."""
        members: Members = json.loads(self.path.read_text())
        return members


@pytest.fixture
def terminal(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    """A terminal with a token file that does not exist yet."""
    return Terminal(world, tmp_path / "state" / "tokens.json", monkeypatch, capsys)


def test_sign_in_and_use_both_apis(terminal: Terminal) -> None:
    """Login, whoami, both APIs by tokens of their own, and a page in the browser that says so."""
    status, out, err = terminal.login()
    assert (status, err) == (0, "")
    assert "Signed in as Robin Demo" in out
    assert terminal.pages[0].status_code == 200
    assert "You are signed in" in terminal.pages[0].text
    assert "default-src 'none'" in terminal.pages[0].headers["content-security-policy"]
    assert f"sub: {SUBJECT}" in terminal.run("whoami")[1]
    assert '"accounts"' in terminal.run("call", "bank")[1]
    status, out, _ = terminal.run("call", "shop")
    assert status == 0
    assert f"GET {SHOP}/api/orders\n200 OK" in out
    assert set(terminal.kept()["access_tokens"]) == {ISSUER, f"{BANK}/api", f"{SHOP}/api"}


def test_request_is_that_of_a_public_native_client(terminal: Terminal) -> None:
    """Loopback redirect, PKCE, state, nonce, no secret, offline_access with leave asked for, all resources."""
    urls: list[str] = []

    def browser(url: str) -> None:
        urls.append(url)
        terminal.follow(url)

    terminal.login(browser)
    sent = parameters(urls[0])
    assert sent["redirect_uri"].startswith("http://127.0.0.1:")
    assert sent["redirect_uri"].endswith("/callback")
    assert (sent["scope"], sent["prompt"], sent["code_challenge_method"]) == (SCOPE, "consent", "S256")
    assert urls[0].count("resource=") == 3
    exchange = next(form for path, form in terminal.world.provider.requests if path == "/oauth2/token")
    assert exchange["client_id"] == "mobile"
    assert "client_secret" not in exchange


def test_token_file_is_for_its_owner_alone(terminal: Terminal) -> None:
    """0600 in a directory of 0700; the commands print no token."""
    shown = terminal.login()[1] + terminal.run("call", "bank")[1] + terminal.run("tokens")[1]
    assert oct(terminal.path.stat().st_mode & 0o777) == "0o600"
    assert oct(terminal.path.parent.stat().st_mode & 0o777) == "0o700"
    assert "mode 0600" in shown
    assert f"Access token for {BANK}/api: roles accounts.read, expires in 5 min 0 s" in shown
    assert [secret for secret in terminal.world.provider.issued if secret in shown] == []
    os.chmod(terminal.path, 0o644)
    status, _, err = terminal.run("call", "bank")
    assert status == 1
    assert "chmod 600" in err


def test_expired_token_is_renewed_and_said_so(terminal: Terminal) -> None:
    """After five minutes the next call renews the token with the rotated refresh token."""
    terminal.login()
    assert "expired" not in terminal.run("call", "bank")[1]
    first = terminal.kept()
    assert "expired" not in terminal.run("call", "bank")[1]
    assert terminal.kept() == first
    terminal.world.clock.at += 300
    status, out, _ = terminal.run("call", "bank")
    assert status == 0
    assert "The access token has expired; renewing it" in out
    assert terminal.kept()["refresh_token"] != first["refresh_token"]


def test_refused_token_is_renewed_once(terminal: Terminal) -> None:
    """When the API calls the token invalid, a new one is asked for; a second refusal is the answer."""
    terminal.login()
    terminal.run("call", "bank")
    members = terminal.kept()
    members["access_tokens"][f"{BANK}/api"]["value"] = "damaged"
    terminal.path.write_text(json.dumps(members))
    status, out, _ = terminal.run("call", "bank")
    assert status == 0
    assert "refused the token" in out
    terminal.world.provider.roles = ()
    terminal.world.clock.at += 300
    status, out, _ = terminal.run("call", "bank")
    assert status == 1
    assert "403 Forbidden" in out
    assert "insufficient_scope" in out


def test_logout_revokes_and_deletes(terminal: Terminal) -> None:
    """The refresh token is revoked at the provider and the file is gone; again there is nothing to do."""
    terminal.login()
    refresh_token = terminal.kept()["refresh_token"]
    assert terminal.run("logout")[0] == 0
    assert terminal.world.provider.revoked_tokens == [refresh_token]
    assert not terminal.path.exists()
    assert terminal.run("logout")[1] == "Nobody was signed in.\n"
    status, _, err = terminal.run("whoami")
    assert status == 1
    assert "login" in err


def test_logout_without_the_provider_still_deletes(terminal: Terminal) -> None:
    """What is here goes; that nothing was revoked is said, with status 1."""
    terminal.login()
    terminal.world.servers.apps.pop(ISSUER)
    status, _, err = terminal.run("logout")
    assert status == 1
    assert "could not be revoked" in err
    assert not terminal.path.exists()


@pytest.mark.case("RP-01")
def test_strangers_at_the_loopback_address_do_not_matter(terminal: Terminal) -> None:
    """Answers with a wrong state, other paths and other methods are refused, and the real one still works."""

    def browser(url: str) -> None:
        address = parameters(url)["redirect_uri"]
        terminal.visit(address, {**terminal.answer(url), "state": "wrong"})
        terminal.visit(address, {"code": "x", "iss": ISSUER})
        root = address.removesuffix("/callback")
        terminal.pages.append(httpx2.get(f"{root}/favicon.ico", trust_env=False))
        terminal.pages.append(httpx2.post(address, data={"state": parameters(url)["state"]}, trust_env=False))
        terminal.follow(url)

    assert terminal.login(browser)[0] == 0
    assert [page.status_code for page in terminal.pages] == [400, 400, 404, 404, 200]


@pytest.mark.case("RP-02", "RP-03", "RP-04", "RP-07", "RP-09", "RP-13")
@pytest.mark.parametrize(
    ("answer", "changes", "words"),
    [
        ({"iss": "https://evil.example"}, {}, "does not come from the sign-in service"),
        ({"iss": ""}, {}, "does not come from the sign-in service"),
        ({"code": ""}, {}, "neither a code nor an error"),
        ({"code": "invented"}, {}, "invalid_grant"),
        ({"error": "access_denied", "error_description": "\x1b[31m<b>"}, {}, "said no to signing in"),
        ({}, {"id_token_changes": {"nonce": "wrong"}}, "nonce:"),
        ({}, {"id_token_changes": {"aud": "shop"}}, "audience:"),
        ({}, {"id_token_header_changes": {"alg": "none"}}, "algorithm:"),
        ({}, {"userinfo_changes": {"sub": "somebody-else"}}, "another person"),
        ({}, {"token_response_changes": {"id_token": None}}, "no ID Token"),
    ],
)
def test_refused_sign_in_keeps_nothing(
    terminal: Terminal, answer: dict[str, str], changes: Members, words: str
) -> None:
    """Each wrong answer is refused in the terminal and in the browser, and no file is written."""
    for name, value in changes.items():
        setattr(terminal.world.provider, name, value)
    status, _, err = terminal.login(lambda url: terminal.follow(url, **answer))
    assert status == 1
    assert words in err
    assert "\x1b" not in err
    assert "Not signed in" in terminal.pages[-1].text
    assert "<b>" not in terminal.pages[-1].text
    assert not terminal.path.exists()


def test_dead_grant_is_said(terminal: Terminal) -> None:
    """When the provider renews no longer, the program says what to do."""
    terminal.login()
    for grant in terminal.world.provider.refresh_tokens.values():
        grant.revoked = True
    status, _, err = terminal.run("call", "bank")
    assert status == 1
    assert "no longer renews" in err


def test_nobody_answers(terminal: Terminal) -> None:
    """Without an answer the program gives up in time; without a provider it says so at once."""
    terminal.monkeypatch.setattr("webbrowser.open", lambda _: True)
    status, _, err = terminal.run("--timeout", "0", "login")
    assert status == 1
    assert "No answer came" in err
    terminal.world.servers.apps.pop(ISSUER)
    assert "does not answer" in terminal.run("login")[2]


def test_no_browser_prints_the_address(terminal: Terminal) -> None:
    """With --no-browser the address is printed and nothing is opened."""
    opened: list[str] = []
    terminal.monkeypatch.setattr("webbrowser.open", opened.append)
    _, out, _ = terminal.run("--timeout", "0", "login", "--no-browser")
    assert f"{ISSUER}/oauth2/authorize?" in out
    assert opened == []


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"access_tokens": []}', "\x00"])
def test_damaged_file_is_said(terminal: Terminal, text: str) -> None:
    """A file that cannot be read is no crash."""
    TokenFile(terminal.path).path.parent.mkdir()
    terminal.path.write_text(text)
    terminal.path.chmod(0o600)
    status, _, err = terminal.run("tokens")
    assert status == 1
    assert "damaged" in err


def test_sign_in_replaces_a_damaged_file(terminal: Terminal) -> None:
    """Signing in anew repairs it."""
    terminal.path.parent.mkdir()
    terminal.path.write_text("{")
    assert terminal.login()[0] == 0
    assert oct(terminal.path.stat().st_mode & 0o777) == "0o600"
