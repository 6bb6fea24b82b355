"""What every answer of the two applications has in common: headers, error pages, static files."""

import re

import httpx2
import pytest

from demo_clients.relying_party import web
from tests.demo_clients.provider import BANK, ISSUER, SHOP
from tests.demo_clients.wire import World, post_form, prove, sign_in

pytestmark = pytest.mark.anyio

ANSWERS = [
    ("GET", "/", 200),
    ("GET", "/login", 303),
    ("GET", "/callback", 400),
    ("GET", "/nowhere", 404),
    ("GET", "/try/", 404),
    ("DELETE", "/", 405),
    ("HEAD", "/login", 405),
    ("GET", "/static/style.css", 200),
    ("GET", "/static/none.css", 404),
    ("POST", "/try", 403),
]


@pytest.mark.case("HT-22", "HT-23")
@pytest.mark.parametrize("site", [SHOP, BANK])
@pytest.mark.parametrize(("method", "path", "status"), ANSWERS)
async def test_security_headers_on_every_answer(
    browser: httpx2.AsyncClient, site: str, method: str, path: str, status: int
) -> None:
    """Strict policy on pages, refusals, redirects and static files alike."""
    response = await browser.request(method, site + path, headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert response.status_code == status
    policy = response.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in policy
    assert f"form-action 'self' {ISSUER};" in policy
    assert "frame-ancestors 'none'" in policy
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "no-referrer"
    assert response.headers["x-frame-options"] == "DENY"
    assert response.headers["cache-control"] == ("no-cache" if path == "/static/style.css" else "no-store")
    assert "starlette" not in response.text.lower()


@pytest.mark.parametrize("site", [SHOP, BANK])
async def test_pages_bring_everything_themselves(browser: httpx2.AsyncClient, site: str) -> None:
    """No inline script or style, nothing from a third party, one h1, a language, a title."""
    await sign_in(browser, site)
    for path in ("/", "/token", "/try", "/timeline", "/logout", "/nowhere"):
        text = (await browser.get(site + path)).text
        assert not re.search(r"<style|style=|<script(?! src=\"/static/)| on\w+=", text), path
        assert set(re.findall(r'(?:src|href)="(https?://[^/"]*)', text)) <= {SHOP, BANK}, path
        assert text.count("<h1") == 1
        assert '<html lang="en">' in text
        assert re.search(r"<title>.+ · (Shop|Bank)</title>", text)


async def test_unforeseen_fault_shows_no_trace(
    world: World, browser: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of our own is a page with 500 and nothing of its text."""

    def broken(**_: object) -> None:
        raise RuntimeError("secret detail")

    await sign_in(browser)
    monkeypatch.setattr(world.shop.party.sessions, "open", broken)
    quiet = httpx2.ASGITransport(world.shop.asgi, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=quiet, trust_env=False) as client:
        response = await client.get(f"{SHOP}/login")
    assert response.status_code == 500
    assert "written to our log" in response.text
    assert "secret detail" not in response.text
    assert response.headers["content-security-policy"]


@pytest.mark.case("HT-05")
async def test_long_bodies_are_refused(browser: httpx2.AsyncClient) -> None:
    """More than any form of ours: 413."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for path in ("/try", "/logout", "/renew", "/orders", "/backchannel-logout"):
        response = await browser.post(SHOP + path, content="a=" + "b" * web.MAX_BODY_BYTES, headers=form)
        assert response.status_code in (403, 413), path


async def test_pages_about_somebody_lead_to_the_sign_in(browser: httpx2.AsyncClient) -> None:
    """GET leads to the sign-in; a POST without a session is refused."""
    assert (await browser.get(f"{SHOP}/token")).status_code == 303
    for path in ("/renew", "/orders"):
        assert (await browser.post(f"{SHOP}{path}", data={"a": "b"})).status_code == 403


async def test_orders_and_their_refusal(browser: httpx2.AsyncClient) -> None:
    """A product of the catalogue can be ordered, an invented one cannot."""
    await sign_in(browser)
    assert (await post_form(browser, "/orders", product="plant")).status_code == 303
    assert "Pilea in a pot</strong>" in (await browser.get(f"{SHOP}/")).text
    assert (await post_form(browser, "/orders", product="yacht")).status_code == 403


@pytest.mark.parametrize(
    ("amount", "status", "balance"),
    [
        ("12.50", 303, "2,487.50 €"),
        ("12,50", 303, "2,487.50 €"),
        ("2500", 303, "0.00 €"),
        ("2500.01", 400, "2,500.00 €"),
        ("0", 400, "2,500.00 €"),
        ("-5", 400, "2,500.00 €"),
        ("1e3", 400, "2,500.00 €"),
        ("１２", 400, "2,500.00 €"),
        ("9" * 5000, 400, "2,500.00 €"),
        ("<b>", 400, "2,500.00 €"),
        ("", 400, "2,500.00 €"),
    ],
)
async def test_transfers(browser: httpx2.AsyncClient, amount: str, status: int, balance: str) -> None:
    """Money moves between one's own accounts; a wrong amount moves nothing and says why."""
    await sign_in(browser, BANK)
    response = await post_form(browser, "/transfers", BANK, source="current", amount=amount)
    assert response.status_code == status
    if status == 303:
        await prove(browser, response.headers["location"])
    assert ('role="alert"' in response.text) == (status == 400)
    assert "<b>" not in response.text
    assert f'data-account="current">{balance}<' in (await browser.get(f"{BANK}/")).text


async def test_transfer_from_an_invented_account(browser: httpx2.AsyncClient) -> None:
    """The account must be one of one's own."""
    await sign_in(browser, BANK)
    response = await post_form(browser, "/transfers", BANK, source="vault", amount="5")
    assert response.status_code == 400
