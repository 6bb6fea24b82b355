"""The frame of Session Management in a real Chromium, in a page of a relying party on another origin."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.outbound.test_tls import _self_signed
from tests.provider import PASSWORD
from tests.web.conftest import Live, running, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.requirement("OIDC Session Management 1.0", "3.2")]

# What a relying party's page does: load the frame once, ask, and give back the first answer that comes from there.
ASK = """async ([uri, messages, patience]) => {
    let frame = document.querySelector("iframe");
    if (!frame) {
        frame = document.createElement("iframe");
        const loaded = new Promise((done) => { frame.onload = done; });
        frame.src = uri;
        document.body.append(frame);
        await loaded;
    }
    const answers = [];
    for (const message of messages) {
        answers.push(await new Promise((done) => {
            const heard = (event) => {
                if (event.source !== frame.contentWindow || event.origin !== new URL(uri).origin) { return; }
                removeEventListener("message", heard);
                done(event.data);
            };
            addEventListener("message", heard);
            frame.contentWindow.postMessage(message, "*");
            setTimeout(() => done(null), patience);
        }));
    }
    return answers;
}"""


ASKS_ITS_NEIGHBOUR = """<!doctype html><title>evil</title><script>
onmessage = (event) => {
    if (event.source === parent) { parent.frames[0].postMessage(event.data, "*"); }
    else { parent.postMessage({ heard: event.data }, "*"); }
};
setTimeout(() => parent.postMessage({ heard: null }, "*"), 1500);
</script>"""


@pytest.fixture(scope="module", params=["http", "https"])
def near(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Provider and relying party on two origins of one site."""
    folder: Path = tmp_path_factory.mktemp("near")
    secure = request.param == "https"
    certificate = _self_signed(folder / "pair.pem", "idp.suite.localhost") if secure else None
    with running(folder, "idp.suite.localhost", "rp.suite.localhost", certificate) as made:
        yield made


@pytest.fixture
def browser(engine: Browser) -> Iterator[BrowserContext]:
    """A browser without cookies that takes the test's certificate."""
    made = engine.new_context(ignore_https_errors=True)
    yield made
    made.close()


def ask(live: Live, page: Page, *messages: Any, patience: int = 5_000) -> list[str | None]:
    """Have the page ask the frame; an answer that does not come is None."""
    found: list[str | None] = page.evaluate(ASK, [f"{live.issuer}/oauth2/session", messages, patience])
    return found


def enter(live: Live, browser: BrowserContext, **more: str) -> tuple[Page, dict[str, list[str]]]:
    """Sign in as alice; return the relying party's page and what it received."""
    page = browser.new_page()
    page.goto(live.authorize_url(**more))
    sign_in(page)
    expect(page.locator("#arrived")).to_be_visible()
    return page, parse_qs(urlsplit(page.url).query)


def sign_out(live: Live, browser: BrowserContext) -> None:
    """Sign out in another tab."""
    tab = browser.new_page()
    tab.goto(f"{live.issuer}/oauth2/logout")
    tab.click("#logout-confirm")
    expect(tab.locator("#logged-out")).to_be_visible()
    tab.close()


def test_frame_notices_the_sign_out(near: Live, browser: BrowserContext) -> None:
    """Unchanged, also while another client signs in silently; changed once another tab has signed out."""
    complaints: list[str] = []
    page, received = enter(near, browser)
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    message = f"web {received['session_state'][0]}"
    assert ask(near, page, message, message) == ["unchanged", "unchanged"]
    other = browser.new_page()
    other.goto(near.authorize_url("third", scope="openid"))
    other.click("#consent-allow")
    expect(other.locator("#arrived")).to_be_visible()
    assert ask(near, page, message) == ["unchanged"]
    third = f"third {parse_qs(urlsplit(other.url).query)['session_state'][0]}"
    assert ask(near, other, third) == ["unchanged"]
    sign_out(near, browser)
    assert ask(near, page, message) == ["changed"]
    assert ask(near, other, third) == ["changed"]
    assert complaints == []


def test_frame_notices_a_fresh_sign_in(near: Live, browser: BrowserContext) -> None:
    """Changed for who signed in before; what the silent request then brings is unchanged."""
    page, received = enter(near, browser)
    before = f"web {received['session_state'][0]}"
    tab = browser.new_page()
    tab.goto(near.authorize_url(prompt="login"))
    tab.fill("#password", PASSWORD)
    tab.click("#login-submit")
    expect(tab.locator("#arrived")).to_be_visible()
    assert ask(near, page, before) == ["changed"]
    first = tab.url
    tab.goto(near.authorize_url(prompt="none"))
    for address in (first, tab.url):
        renewed = parse_qs(urlsplit(address).query)["session_state"][0]
        assert ask(near, page, f"web {renewed}") == ["unchanged"]


def test_frame_tells_nonsense_from_change(near: Live, browser: BrowserContext) -> None:
    """What is no client and session state is an error; a session state of someone else is a change."""
    page, received = enter(near, browser)
    state = received["session_state"][0]
    hashed, salt = state.split(".")
    nonsense: list[Any] = ["", "web", state, f" {state}", "web  ", f"web {hashed}", f"web {hashed}.", f"web .{salt}"]
    nonsense += [f"web {state} ", f"web {state}0", f"web\n{state}", f"wéb {state}", f"web {hashed.upper()}.{salt}"]
    nonsense += ["x" * 100_000, f"{'x' * 1_025} {state}", None, 7, True, {"client_id": "web"}, ["web", state], "\0"]
    assert ask(near, page, *nonsense) == ["error"] * len(nonsense)
    foreign = [
        f"third {state}",
        f"web  {state}",
        f"WEB {state}",
        f"web {hashed}.{salt[::-1]}",
        f"web {'0' * 64}.{salt}",
    ]
    assert ask(near, page, *foreign) == ["changed"] * len(foreign)
    assert ask(near, page, f"web {state}") == ["unchanged"]


def test_frame_answers_its_parents_origin_alone(near: Live, browser: BrowserContext) -> None:
    """A frame of another origin beside it, the frame opened as a page, and a sandboxed parent hear nothing."""
    page, received = enter(near, browser)
    message = f"web {received['session_state'][0]}"
    assert ask(near, page, message) == ["unchanged"]
    stranger = near.relying_party.replace("rp.", "evil.")
    page.route(f"{stranger}/asks", lambda route: route.fulfill(body=ASKS_ITS_NEIGHBOUR, content_type="text/html"))
    heard = page.evaluate(
        """async ([uri, message]) => {
            const frame = document.createElement("iframe");
            const loaded = new Promise((done) => { frame.onload = done; });
            frame.src = uri;
            document.body.append(frame);
            await loaded;
            return new Promise((done) => {
                addEventListener("message", (event) => event.data.heard !== undefined && done(event.data.heard));
                frame.contentWindow.postMessage(message, "*");
            });
        }""",
        [f"{stranger}/asks", message],
    )
    assert heard is None
    lone = browser.new_page()
    lone.goto(f"{near.issuer}/oauth2/session")
    assert (
        lone.evaluate(
            """(message) => new Promise((done) => {
            addEventListener("message", (event) => event.data !== message && done(event.data));
            postMessage(message, "*");
            setTimeout(() => done(null), 500);
        })""",
            message,
        )
        is None
    )


def test_planted_cookie_is_no_state(near: Live, browser: BrowserContext) -> None:
    """A second cookie of the name, as a sibling host can set it where there is no `__Host-`, is not believed."""
    page, received = enter(near, browser)
    message = f"web {received['session_state'][0]}"
    name = "__Host-signet_state" if near.issuer.startswith("https:") else "signet_state"
    (own,) = (cookie for cookie in browser.cookies(near.issuer) if cookie.get("name") == name)
    assert own.get("httpOnly") is False
    page.evaluate(f"document.cookie = '{name}={own.get('value')}; domain=suite.localhost; path=/oauth2'")
    planted = sum(cookie.get("name") == name for cookie in browser.cookies(f"{near.issuer}/oauth2/session")) == 2
    assert planted == near.issuer.startswith("http:")
    assert ask(near, page, message) == ["changed" if planted else "unchanged"]


def test_page_of_another_site_hears_an_error(live: Live, browser: BrowserContext) -> None:
    """Where this Chromium keeps the cookies from frames of another site nobody is taken for signed out (§5.1)."""
    page, received = enter(live, browser)
    assert ask(live, page, f"web {received['session_state'][0]}") == ["error"]
