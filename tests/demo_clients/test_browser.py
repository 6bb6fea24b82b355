"""The journey in a real Chromium: two origins, one sign-in, live results, a sign-out that the other page notices."""

import shutil
import signal
import subprocess
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from joserfc.jwk import RSAKey
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.demo_clients.provider import FakeProvider
from tests.demo_clients.servers import first_line, free_port, running, start, stop

pytestmark = pytest.mark.browser

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass
class Demo:
    """Provider, Shop and Bank on real ports."""

    provider: FakeProvider
    shop: str
    bank: str
    shop_arguments: list[str]
    processes: dict[str, subprocess.Popen[str]]

    def start(self, name: str, arguments: list[str]) -> None:
        """Start one application and wait for its line."""
        self.processes[name] = start(f"demo_clients.{name}", *arguments)
        assert "ready at" in first_line(self.processes[name])


@pytest.fixture(scope="module")
def chromium() -> Generator[Browser]:
    """One Chromium for all tests of this module."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert path is not None, "these tests need Chromium: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def demo(signing_keys: tuple[RSAKey, RSAKey, RSAKey], tmp_path: Path) -> Generator[Demo]:
    """The three of them, running."""
    ports = free_port(), free_port(), free_port()
    issuer, shop, bank = (
        f"http://{name}.localhost:{port}" for name, port in zip(("idp", "shop", "bank"), ports, strict=True)
    )
    provider = FakeProvider(now=lambda: int(time.time()), keys=list(signing_keys[:2]), issuer=issuer)
    for name, port in zip(("shop", "bank"), ports[1:], strict=True):
        (tmp_path / name).write_text(f"{name}-secret")
        provider.backchannel[name] = f"http://127.0.0.1:{port}/backchannel-logout"
    arguments = {
        name: [
            "--issuer",
            issuer,
            "--port",
            str(port),
            "--peer-url",
            peer,
            "--client-secret-file",
            str(tmp_path / name),
        ]
        for name, port, peer in (("shop", ports[1], bank), ("bank", ports[2], shop))
    }
    demo = Demo(provider, shop, bank, arguments["shop"], {})
    with running(provider.asgi(), ports[0]):
        try:
            for name, given in arguments.items():
                demo.start(name, given)
            yield demo
        finally:
            for process in demo.processes.values():
                if process.poll() is None:
                    stop(process)


def sign_in(page: Page, site: str) -> None:
    """Press the button and come back signed in."""
    page.goto(site)
    page.click("#sign-in")
    expect(page.locator("#who")).to_be_visible()


def test_journey(chromium: Browser, demo: Demo) -> None:
    """Sign in at the Shop, see why it believes it, be signed in at the Bank, call its API, sign out everywhere."""
    context = chromium.new_context()
    shop, bank = context.new_page(), context.new_page()
    problems: list[str] = []
    for page in (shop, bank):
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: None if ".localhost:" in request.url else problems.append(request.url))
    sign_in(shop, demo.shop)
    shop.click("#why")
    assert shop.locator("#id-token [data-outcome=failed]").count() == 0
    assert shop.locator("#id-token [data-outcome=passed]").count() >= 10
    sign_in(bank, demo.bank)
    for claim in ("sub", "sid"):
        shop.goto(demo.shop)
        assert shop.inner_text(f"[data-claim={claim}]") == bank.inner_text(f"[data-claim={claim}]")
    assert (shop.inner_text("[data-claim=aud]"), bank.inner_text("[data-claim=aud]")) == ("shop", "bank")
    shop.goto(f"{demo.shop}/try")
    shop.click("#try-all")
    expect(shop.locator(".result")).to_have_count(9)
    assert shop.locator(".result.unexpected").count() == 0
    assert shop.locator(".result .status").all_inner_texts() == ["200"] + ["401"] * 7
    shop.goto(f"{demo.shop}/logout")
    shop.click("#sign-out-everywhere")
    expect(shop.locator("#notice")).to_contain_text("tells the other applications")
    expect(bank.locator("#notice")).to_contain_text("You were signed out, because", timeout=1000)
    assert problems == []
    context.close()


def test_page_notices_that_the_server_was_restarted(chromium: Browser, demo: Demo) -> None:
    """The server stops cleanly under an open page, which reconnects and then shows that nobody is signed in."""
    context = chromium.new_context()
    page = context.new_page()
    sign_in(page, demo.shop)
    page.wait_for_timeout(300)  # the stream is open
    began = time.monotonic()
    assert stop(demo.processes["shop"], signal.SIGINT) == (0, "", "")
    assert time.monotonic() - began < 3
    demo.start("shop", demo.shop_arguments)
    expect(page.locator("#sign-in")).to_be_visible(timeout=10_000)
    context.close()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 320)])
def test_pages_are_accessible(chromium: Browser, demo: Demo, scheme: str, width: int) -> None:
    """axe finds nothing on any page and state, in both schemes, and nothing needs sideways scrolling at 320 px."""
    context = chromium.new_context(
        color_scheme="dark" if scheme == "dark" else "light", viewport={"width": width, "height": 800}
    )
    page, axe = context.new_page(), Axe()
    found: list[str] = []

    def look(address: str, *, press: str = "") -> None:
        if address:
            page.goto(address)
        if press:
            page.click(press)
            page.wait_for_load_state()
        page.evaluate("for (const details of document.querySelectorAll('details')) details.open = true")
        found.extend(f"{address}: {violation['id']}" for violation in axe.run(page).response["violations"])
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found.append(f"{address}: wider than the window")

    for site in (demo.shop, demo.bank):
        look(site)
        look(f"{site}/callback?error=x&state=y")
        look(site, press="#sign-in")
        look(f"{site}/token")
        look(f"{site}/try", press="#try-all")
        for path in ("/timeline", "/logout", "/nowhere"):
            look(site + path)
    page.goto(demo.bank)
    page.fill("#amount", "5")
    page.click("#move")
    look(page.url)
    page.click("#prove")
    expect(page.locator("#moved")).to_be_visible()
    look(page.url)
    page.goto(demo.bank)
    page.fill("#amount", "nothing")
    page.click("#move")
    expect(page.locator("#fault")).to_be_visible()
    look("")
    assert found == []
    context.close()


def test_everything_works_without_scripts(chromium: Browser, demo: Demo) -> None:
    """With JavaScript off one can sign in, try and sign out."""
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, demo.shop)
    page.goto(f"{demo.shop}/try")
    page.click("#try-proper")
    expect(page.locator(".result .status")).to_have_text("200")
    page.click("#sign-out")
    page.click("#sign-out-here")
    expect(page.locator("#notice")).to_contain_text("signed out here")
    context.close()
