"""The session cookie, forms, and where secrets must not be."""

import dataclasses
import logging
import re

import httpx2
import pytest

from demo_clients.relying_party.sessions import MAX_PENDING, SessionStore
from demo_clients.shop import app as shop_app
from tests.demo_clients.conftest import settings_of
from tests.demo_clients.provider import BANK, ISSUER, SHOP
from tests.demo_clients.wire import (
    Clock,
    HostRouter,
    World,
    answer_of_provider,
    csrf_token,
    is_signed_in,
    post_form,
    sign_in,
)

pytestmark = pytest.mark.anyio


@pytest.mark.case("RP-14")
async def test_cookie_over_http(browser: httpx2.AsyncClient) -> None:
    """Over plain http: HttpOnly, Lax, whole path, no prefix and no Secure, gone with the browser."""
    response = await browser.get(f"{SHOP}/login")
    name, _, rest = response.headers["set-cookie"].partition("=")
    value, *attributes = rest.split("; ")
    assert name == "shop_session"
    assert len(value) == 43
    assert sorted(attributes) == ["HttpOnly", "Path=/", "SameSite=Lax"]


@pytest.mark.case("RP-14")
async def test_cookie_over_https(world: World) -> None:
    """Over https: the __Host- prefix and Secure."""
    defaults = dataclasses.replace(shop_app.DEFAULTS, base_url="https://shop.example")
    shop = shop_app.create_app(settings_of(defaults), transport=world.servers, now=world.clock)
    router = HostRouter({"https://shop.example": shop.asgi})
    async with httpx2.AsyncClient(transport=router, trust_env=False) as client:
        response = await client.get("https://shop.example/login")
    assert response.headers["set-cookie"].startswith("__Host-shop_session=")
    assert response.headers["set-cookie"].endswith("; Secure")
    assert "max-age=" in response.headers["strict-transport-security"]


@pytest.mark.case("RP-14")
async def test_sign_in_gives_a_new_id(world: World, browser: httpx2.AsyncClient) -> None:
    """The id from before the sign-in is worth nothing afterwards (session fixation)."""
    url = await answer_of_provider(browser)
    before = dict(browser.cookies)
    await browser.get(url)
    assert dict(browser.cookies) != before
    assert await is_signed_in(browser)
    async with world.browser() as attacker:
        attacker.cookies.update(before)
        assert not await is_signed_in(attacker)


@pytest.mark.case("RP-14")
async def test_invented_id_is_not_taken_over(world: World, browser: httpx2.AsyncClient) -> None:
    """An id that the server never gave out is replaced, not adopted."""
    browser.cookies.set("shop_session", "A" * 43, domain="shop.localhost")
    response = await browser.get(f"{SHOP}/login")
    assert "A" * 43 not in response.headers["set-cookie"]


@pytest.mark.case("SS-20")
@pytest.mark.parametrize(
    "cookie",
    [
        "shop_session={id}; shop_session=x",
        "shop_session={id}; shop_session={id}",
        "shop_session={id}x",
        "shop_session={id} {id}",
        "shop_session=",
        "shop_session=" + "a" * 8000,
        "shop_session=\xe9\xff",
        "; ;; =; shop_session",
    ],
)
async def test_odd_cookies_are_anonymous(world: World, browser: httpx2.AsyncClient, cookie: str) -> None:
    """Two session cookies, long ones, strange ones: nobody is signed in, nothing breaks."""
    await sign_in(browser)
    header = cookie.replace("{id}", browser.cookies["shop_session"]).encode("latin-1")
    async with world.browser() as other:
        response = await other.send(httpx2.Request("GET", f"{SHOP}/", headers=[(b"Cookie", header)]))
    assert response.status_code == 200
    assert 'id="who"' not in response.text


@pytest.mark.parametrize(
    ("headers", "token"),
    [
        ({}, ""),
        ({}, "wrong"),
        ({"Origin": "https://evil.example"}, "right"),
        ({"Sec-Fetch-Site": "cross-site"}, "right"),
        ({"Sec-Fetch-Site": "same-site"}, "right"),
        ({"Content-Type": "text/plain"}, "right"),
    ],
)
@pytest.mark.parametrize("path", ["/logout", "/try", "/renew", "/orders"])
async def test_forms_of_other_sites_are_refused(
    world: World, browser: httpx2.AsyncClient, path: str, headers: dict[str, str], token: str
) -> None:
    """Nothing is done for a form without our token, or from another site."""
    await sign_in(browser)
    fields = {"csrf_token": await csrf_token(browser) if token == "right" else token, "where": "here"}
    response = await browser.post(SHOP + path, data=fields, headers=headers)
    assert response.status_code == 403
    assert await is_signed_in(browser)


async def test_form_of_an_earlier_session_is_refused(world: World, browser: httpx2.AsyncClient) -> None:
    """A page that was open before somebody signed in anew cannot act for the new session."""
    await sign_in(browser)
    old = await csrf_token(browser)
    await sign_in(browser)
    response = await browser.post(f"{SHOP}/logout", data={"csrf_token": old, "where": "here"})
    assert response.status_code == 403
    assert "out of date" in response.text


async def test_own_forms_pass_with_the_headers_of_browsers(world: World, browser: httpx2.AsyncClient) -> None:
    """`Origin: null` is what browsers send under our referrer policy."""
    await sign_in(browser)
    token = await csrf_token(browser)
    headers = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}
    response = await browser.post(f"{SHOP}/orders", data={"csrf_token": token, "product": "mug"}, headers=headers)
    assert response.status_code == 303
    assert "Stoneware mug</strong>" in (await browser.get(f"{SHOP}/")).text


@pytest.mark.case("RP-12")
async def test_tokens_are_nowhere_but_on_the_server(
    world: World, browser: httpx2.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    """No access or refresh token in an address, a cookie, a page outside the verification page, or the log."""
    caplog.set_level(logging.INFO)
    await sign_in(browser)
    pages = [await browser.get(SHOP + path) for path in ("/", "/try", "/timeline", "/logout")]
    await post_form(browser, "/try", attempt="all")
    results = await browser.get(f"{SHOP}/try")
    sent = await post_form(browser, "/logout", where="everywhere")
    secrets = [*world.provider.issued, *world.provider.codes]
    addresses = [str(request.url) for request in world.servers.log] + [sent.headers["location"]]
    log = [message for message in caplog.messages if f" {SHOP}" not in message]  # what the browser asks is not ours
    shown = "".join([*(page.text for page in pages), results.text, *addresses, *log])
    assert len(secrets) >= 7, "of the code, of three refreshes"
    assert [secret for secret in secrets if secret in shown] == []
    assert not re.search(r"eyJ[\w-]{20}", results.text + "".join(page.text for page in pages)), "no JWT of any kind"
    assert "shop-secret" not in shown
    script = (await browser.get(f"{SHOP}/static/events.js")).text
    assert "localStorage" not in script
    assert "sessionStorage" not in script


async def test_representations_hide_secrets(world: World, browser: httpx2.AsyncClient) -> None:
    """What a log or a traceback would print of settings and sessions has no secret in it."""
    await sign_in(browser)
    [session] = world.shop.party.sessions.signed_in(session_id=None, subject=None)
    shown = repr(world.shop.party.settings) + repr(session.tokens) + repr(session.spent_code)
    assert session.tokens is not None
    assert session.tokens.refresh_token is not None
    for secret in ("shop-secret", session.tokens.refresh_token, session.id, session.csrf_token, *world.provider.codes):
        assert secret not in shown
    assert session.id not in repr(session)


async def test_pending_sign_ins_are_bounded(world: World, browser: httpx2.AsyncClient) -> None:
    """Beginning many sign-ins keeps only the latest of them."""
    first = await answer_of_provider(browser)
    for _ in range(MAX_PENDING):
        latest = await answer_of_provider(browser)
    assert (await browser.get(first)).status_code == 400
    assert (await browser.get(latest)).status_code == 303


def test_full_store_drops_anonymous_sessions_first() -> None:
    """A flood of anonymous visitors does not sign anybody out, and memory stays bounded."""
    store = SessionStore(Clock(), max_sessions=3)
    first = store.open()
    first.identity = object()  # type: ignore[assignment] # anything but None counts as signed in
    ids = [store.open().id for _ in range(10)]
    assert store.find(first.id) is first
    assert sum(1 for one in ids if store.find(one)) == 2


async def test_sessions_of_the_two_sites_are_apart(world: World, browser: httpx2.AsyncClient) -> None:
    """Each site has its own cookie name and session; signing in at one does not sign in at the other."""
    await sign_in(browser)
    assert not await is_signed_in(browser, BANK)
    await sign_in(browser, BANK)
    assert {cookie.name for cookie in browser.cookies.jar} == {"shop_session", "bank_session"}
    assert ISSUER not in {cookie.domain for cookie in browser.cookies.jar}
