"""Form post, fragments and front-channel logout in a real Chromium, which enforces the pages' policies."""

import re
from typing import Literal
from urllib.parse import parse_qs, urlencode

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.web.conftest import Landing, Live, sign_in

pytestmark = pytest.mark.browser


def watched(engine: Browser, complaints: list[str], *, scripts: bool = True) -> Page:
    """Return a page of a fresh browser; what its console says goes into `complaints`."""
    page = engine.new_context(java_script_enabled=scripts, reduced_motion="reduce").new_page()
    page.on("console", lambda message: complaints.append(message.text))
    return page


def test_form_post_goes_on_by_itself(live: Live, engine: Browser) -> None:
    """The code reaches the client in a form; neither address nor history has it, and no policy is broken."""
    complaints: list[str] = []
    page = watched(engine, complaints)
    page.goto(live.authorize_url(response_mode="form_post"))
    sign_in(page)
    page.wait_for_url(f"{live.relying_party}/cb")
    posted = parse_qs(next(line for line in reversed(Landing.seen) if line.startswith("POST ")).split(" ", 2)[2])
    assert posted["state"] == ["st"]
    assert posted["iss"] == [live.issuer]
    assert len(posted["code"][0]) > 40
    assert complaints == []
    page.context.close()


def test_form_post_without_scripts_has_a_button(live: Live, engine: Browser) -> None:
    """It looks like the other pages and is as accessible."""
    page = watched(engine, [], scripts=False)
    page.goto(live.authorize_url(response_mode="form_post"))
    sign_in(page)
    page.click("#form-post-submit")
    page.wait_for_url(f"{live.relying_party}/cb")
    page.context.close()


def test_form_post_page_is_accessible(live: Live, engine: Browser) -> None:
    """Seen with the form held back: axe has nothing to say, light or dark."""
    page = watched(engine, [])
    page.route(
        re.compile(r"/static/form_post\.js"), lambda route: route.fulfill(body="", content_type="text/javascript")
    )
    page.goto(live.authorize_url(response_mode="form_post"))
    sign_in(page)
    page.wait_for_selector("#form-post-submit")
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for scheme in schemes:
        page.emulate_media(color_scheme=scheme)
        assert Axe().run(page).response["violations"] == []
    page.context.close()


def test_front_channel_logout_tells_and_goes_on(live: Live, engine: Browser) -> None:
    """The frame is loaded with iss and sid, then the browser is at the client again; no policy is broken."""
    complaints: list[str] = []
    page = watched(engine, complaints)
    page.goto(live.authorize_url("legacy", response_type="id_token", nonce="n"))
    sign_in(page)
    page.wait_for_url(re.compile(r"/cb#.*id_token="))
    id_token = parse_qs(page.url.partition("#")[2])["id_token"][0]
    back = {"id_token_hint": id_token, "post_logout_redirect_uri": f"{live.relying_party}/bye", "state": "s"}
    page.goto(f"{live.issuer}/oauth2/logout?{urlencode(back)}")
    page.wait_for_url(f"{live.relying_party}/bye?state=s")
    assert [line for line in Landing.seen if line.startswith("GET /front?iss=") and "&sid=" in line]
    assert complaints == []
    page.context.close()
