"""Signing up in a real Chromium: every state is accessible and fits, and all works without JavaScript."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.mail_sink import sink
from tests.mailing import Postal, link_in, mail_settings
from tests.sign_up import NEW_PASSWORD
from tests.web.conftest import Live, running, sign_in
from tests.web.test_recovery_browser import check

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def open_to_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Live, Postal]]:
    """The servers, and a mail server; anybody may sign up."""
    with (
        sink() as there,
        running(tmp_path_factory.mktemp("live"), sign_up={"mode": "open"}, **mail_settings(there)) as live,
    ):
        yield live, Postal(live.house, there)


def mailed_link(post: Postal) -> str:
    """Have the mail sent and return its link."""
    post.deliver()
    return link_in(post.sink.text())


def test_every_state_is_accessible_and_fits(open_to_all: tuple[Live, Postal], engine: Browser) -> None:
    """From the sign-in page to the client, with what goes wrong on the way; then a new address."""
    live, post = open_to_all
    page = engine.new_context().new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if "status of 4" not in said.text else None)
    page.goto(live.authorize_url())
    check(page, "#sign-up")
    page.click("#sign-up")
    check(page, "#sign-up-submit")
    page.fill("#email", "erin@example")
    page.keyboard.press("Enter")
    check(page, "[role=alert]")
    page.fill("#email", "erin@new.example")
    page.keyboard.press("Enter")
    check(page, "#sign-up-sent")
    page.click("#sign-up-resend")
    check(page, "[role=status]")
    page.goto(mailed_link(post))
    assert "token" not in page.url
    check(page, "#sign-up-finish")
    page.fill("#username", "admin")
    page.fill("#password", "michaeljennifer")
    page.keyboard.press("Enter")
    check(page, "[role=alert]")
    page.fill("#username", "erin")
    page.fill("#password", "michaeljennifer")
    page.keyboard.press("Enter")
    expect(page.locator("[role=alert]")).to_contain_text("names of people")
    page.fill("#password", NEW_PASSWORD)
    expect(page.locator(".strength")).to_have_text("Long enough. Another word makes it stronger.")
    check(page, "#sign-up-finish")
    page.keyboard.press("Enter")
    expect(page.locator("#arrived")).to_be_visible()
    page.goto(f"{live.issuer}/account/email")
    check(page, "#email-send")
    assert complaints == []


def test_the_line_below_the_field(open_to_all: tuple[Live, Postal], engine: Browser) -> None:
    """It says how a password stands, politely and after a pause, and asks nobody."""
    live, _ = open_to_all
    page = engine.new_context().new_page()
    page.goto(f"{live.issuer}/account/password")
    sign_in(page, "alice")
    page.wait_for_load_state("networkidle")
    line = page.locator("[data-strength]")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for typed, words in [
        ("twelve chars", "Characters still needed: 3"),
        ("12345678901234567890", "It is easily guessed."),
        ("ababababababababab", "It is easily guessed."),
        ("some words in a row", "Long enough. Another word makes it stronger."),
        ("some more words in a long row", "Long and varied."),
        ("", ""),
    ]:
        page.fill("#new", typed)
        expect(line).to_have_text(words)
    assert line.get_attribute("role") == "status"
    assert asked == []


def test_it_works_without_javascript(open_to_all: tuple[Live, Postal], engine: Browser) -> None:
    """Also where nothing but forms does; the words come with the answer."""
    live, post = open_to_all
    live.house.clock.move(901)
    page = engine.new_context(java_script_enabled=False).new_page()
    page.goto(live.authorize_url(prompt="create"))
    page.fill("#email", "dora@new.example")
    page.click("#sign-up-submit")
    expect(page.locator("#sign-up-sent")).to_be_visible()
    page.goto(mailed_link(post))
    expect(page.locator(".strength")).to_be_hidden()
    page.fill("#username", "dora")
    page.fill("#password", "abcdefghijklmnop")
    page.click("#sign-up-finish")
    expect(page.locator("[role=alert]")).to_contain_text("follows the alphabet")
    page.fill("#password", NEW_PASSWORD)
    page.click("#sign-up-finish")
    expect(page.locator("#arrived")).to_be_visible()
