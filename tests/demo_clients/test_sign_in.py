"""Signing in to the Shop: the honest way, and every way that must be refused."""

from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx2
import pytest
from starlette.responses import JSONResponse

from demo_clients.relying_party.sessions import PENDING_SECONDS
from tests.demo_clients.provider import BANK, ISSUER, MISSING, SHOP, SUBJECT
from tests.demo_clients.wire import World, answer_of_provider, is_signed_in, parameters, sign_in

pytestmark = pytest.mark.anyio


async def test_honest_sign_in_shows_who_signed_in(world: World, browser: httpx2.AsyncClient) -> None:
    """After the redirects the front page names the person and the subject."""
    await sign_in(browser)
    page = (await browser.get(f"{SHOP}/")).text
    assert "Robin Demo" in page
    assert SUBJECT in page


@pytest.mark.requirement("RFC 8707", "2.1")
async def test_authorization_request_carries_what_it_should(world: World, browser: httpx2.AsyncClient) -> None:
    """Code flow with PKCE S256, state, nonce, and the parameter `resource` once for each API."""
    url = (await browser.get(f"{SHOP}/login")).headers["location"]
    query = parse_qsl(urlsplit(url).query)
    sent = dict(query)
    assert url.startswith(f"{ISSUER}/oauth2/authorize?")
    assert [value for name, value in query if name == "resource"] == [ISSUER, f"{SHOP}/api", f"{BANK}/api"]
    assert (sent["response_type"], sent["code_challenge_method"]) == ("code", "S256")
    assert sent["redirect_uri"] == f"{SHOP}/callback"
    assert sent["scope"].split() == ["openid", "profile", "email", "roles", "accounts.read", "orders.read"]
    assert min(len(sent["state"]), len(sent["nonce"]), len(sent["code_challenge"])) >= 43


async def test_client_authentication_is_the_registered_one(world: World) -> None:
    """The Shop uses client_secret_basic, the Bank client_secret_post: the provider accepts nothing else."""
    for site in (SHOP, BANK):
        async with world.browser() as browser:
            await sign_in(browser, site)
            assert await is_signed_in(browser, site)


@pytest.mark.case("RP-01")
@pytest.mark.parametrize("state", [None, "", "wrong", "x" * 5000])
async def test_wrong_or_missing_state_is_refused(world: World, browser: httpx2.AsyncClient, state: str | None) -> None:
    """An answer whose state this browser does not know signs nobody in, and its code is not redeemed."""
    answer = parameters(await answer_of_provider(browser))
    answer = {**answer, "state": state} if state is not None else {k: v for k, v in answer.items() if k != "state"}
    response = await browser.get(f"{SHOP}/callback", params=answer)
    assert response.status_code == 400
    assert "belongs to no sign-in" in response.text
    assert world.provider.count("/oauth2/token") == 0


@pytest.mark.case("RP-01")
async def test_another_browsers_answer_is_refused(world: World, browser: httpx2.AsyncClient) -> None:
    """A callback address works only in the browser that began the sign-in (login CSRF)."""
    url = await answer_of_provider(browser)
    async with world.browser() as victim:
        assert (await victim.get(url)).status_code == 400
        await answer_of_provider(victim)  # even when it has begun a sign-in of its own
        assert (await victim.get(url)).status_code == 400
        assert not await is_signed_in(victim)


@pytest.mark.case("RP-01")
async def test_answer_works_once(world: World, browser: httpx2.AsyncClient) -> None:
    """The same callback address a second time is refused, and the code goes to the provider only once."""
    url = await answer_of_provider(browser)
    assert (await browser.get(url)).status_code == 303
    again = await browser.get(url)
    assert again.status_code == 400
    assert "used already" in again.text
    assert world.provider.count("/oauth2/token") == 1
    assert await is_signed_in(browser)


@pytest.mark.case("RP-01")
async def test_late_answer_is_refused(world: World, browser: httpx2.AsyncClient) -> None:
    """A pending sign-in expires."""
    url = await answer_of_provider(browser)
    world.clock.at += PENDING_SECONDS + 1
    assert "took too long" in (await browser.get(url)).text
    assert not await is_signed_in(browser)


async def test_two_tabs_can_sign_in_at_the_same_time(world: World, browser: httpx2.AsyncClient) -> None:
    """A second pending sign-in does not break the first one."""
    first = await answer_of_provider(browser)
    await answer_of_provider(browser)
    assert (await browser.get(first)).status_code == 303


@pytest.mark.parametrize("name", ["state", "code", "iss"])
async def test_repeated_parameter_is_refused(world: World, browser: httpx2.AsyncClient, name: str) -> None:
    """An answer that states one thing twice is refused before the code is used."""
    url = await answer_of_provider(browser)
    response = await browser.get(f"{url}&{urlencode({name: parameters(url)[name]})}")
    assert response.status_code == 400
    assert world.provider.count("/oauth2/token") == 0


async def test_head_request_uses_up_nothing(world: World, browser: httpx2.AsyncClient) -> None:
    """A HEAD on the callback, as link scanners send it, is refused and the sign-in still works."""
    url = await answer_of_provider(browser)
    assert (await browser.head(url)).status_code == 405
    assert (await browser.get(url)).status_code == 303


@pytest.mark.case("RP-02")
@pytest.mark.requirement("RFC 9207", "2.4")
@pytest.mark.parametrize("issuer", [None, "", "https://evil.example", f"{ISSUER}/", ISSUER.upper()])
async def test_answer_of_another_issuer_is_refused(
    world: World, browser: httpx2.AsyncClient, issuer: str | None
) -> None:
    """Without `iss`, or with another, the code is sent nowhere at all (mix-up)."""
    answer = parameters(await answer_of_provider(browser))
    del answer["iss"]
    world.servers.log.clear()
    response = await browser.get(f"{SHOP}/callback", params=answer if issuer is None else {**answer, "iss": issuer})
    assert response.status_code == 400
    assert "not come from the sign-in service" in response.text
    assert world.servers.log == []
    assert not await is_signed_in(browser)


@pytest.mark.case("RP-06")
async def test_code_of_another_sign_in_fails_by_pkce(world: World, browser: httpx2.AsyncClient) -> None:
    """A victim's code under the attacker's own state is refused: the verifier does not fit."""
    async with world.browser() as victim:
        stolen = parameters(await answer_of_provider(victim))["code"]
    own = parameters(await answer_of_provider(browser))
    response = await browser.get(f"{SHOP}/callback", params={**own, "code": stolen})
    assert response.status_code == 400
    assert "invalid_grant" in response.text
    assert not await is_signed_in(browser)


@pytest.mark.case("RP-07")
async def test_error_of_the_provider_is_shown_escaped_and_short(world: World, browser: httpx2.AsyncClient) -> None:
    """Markup in the error stays text, and an address as long as servers take does not fill the page."""
    state = parameters((await browser.get(f"{SHOP}/login")).headers["location"])["state"]
    hostile = "<script>alert(1)</script>" + "A" * 60_000
    answer = {"error": hostile[:100], "error_description": hostile, "state": state, "iss": ISSUER}
    response = await browser.get(f"{SHOP}/callback", params=answer)
    assert response.status_code == 400
    assert "<script>alert" not in response.text
    assert "&lt;script&gt;alert(1)" in response.text
    assert len(response.text) < 10_000


async def test_access_denied_is_said_plainly(world: World, browser: httpx2.AsyncClient) -> None:
    """Saying no at the provider ends on a page that says so and offers another try."""
    state = parameters((await browser.get(f"{SHOP}/login")).headers["location"])["state"]
    answer = {"error": "access_denied", "state": state, "iss": ISSUER}
    response = await browser.get(f"{SHOP}/callback", params=answer)
    assert "said no to signing in" in response.text
    assert 'href="/login"' in response.text


@pytest.mark.case("RP-08")
@pytest.mark.parametrize(
    "wanted",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "https:evil.example",
        "/%09/evil.example",
        "\t//evil.example",
        "/callback",
        "/token/../..//evil.example",
        "",
        "javascript:alert(1)",
        "/try\r\nSet-Cookie: a=b",
    ],
)
async def test_open_redirect_is_refused(world: World, browser: httpx2.AsyncClient, wanted: str) -> None:
    """Whatever `next` says, after the sign-in one is on a page of the Shop."""
    sent = await browser.get(f"{SHOP}/login", params={"next": wanted})
    answered = await browser.get(sent.headers["location"])
    response = await browser.get(answered.headers["location"])
    assert response.headers["location"] == "/"


async def test_return_to_an_own_page_is_honoured(world: World, browser: httpx2.AsyncClient) -> None:
    """The page that wanted the sign-in is where one goes afterwards."""
    sent = await browser.get(f"{SHOP}/token")
    assert sent.headers["location"] == "/login?next=/token"
    assert (await sign_in(browser, path="/login?next=/token")).headers["location"] == "/token"


@pytest.mark.case("RP-09")
@pytest.mark.parametrize("subject", ["somebody-else", "", MISSING, None, 5])
async def test_userinfo_of_somebody_else_is_refused(world: World, browser: httpx2.AsyncClient, subject: object) -> None:
    """UserInfo whose `sub` is not the ID Token's signs nobody in."""
    world.provider.userinfo_changes = {"sub": subject}
    response = await browser.get(await answer_of_provider(browser))
    assert response.status_code == 400
    assert not await is_signed_in(browser)


@pytest.mark.case("RP-13")
@pytest.mark.parametrize("issuer", ["https://evil.example", f"{ISSUER}/", ISSUER.upper(), MISSING, None, [ISSUER]])
async def test_discovery_of_another_issuer_is_refused(
    world: World, browser: httpx2.AsyncClient, issuer: object
) -> None:
    """A discovery document that speaks for another issuer sends nobody anywhere."""
    world.provider.metadata_changes = {"issuer": issuer}
    response = await browser.get(f"{SHOP}/login")
    assert response.status_code == 502
    assert "another issuer" in response.text
    assert "location" not in response.headers


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge_methods_supported": ["plain"]},
        {"id_token_signing_alg_values_supported": ["HS256"]},
        {"authorization_response_iss_parameter_supported": False},
        {"token_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": MISSING},
        {"jwks_uri": 7},
        {"token_endpoint": "http://[bad"},
        {"token_endpoint": "http://a:b:c/"},
        {"userinfo_endpoint": "http://idp.localhost/" + "a" * 70_000},
    ],
)
async def test_discovery_without_what_we_need_is_refused(
    world: World, browser: httpx2.AsyncClient, changes: dict[str, object]
) -> None:
    """A provider without S256, RS256 or `iss`, or with a bad endpoint, is not used."""
    world.provider.metadata_changes = changes
    assert (await browser.get(f"{SHOP}/login")).status_code == 502


async def test_sign_in_that_ended_meanwhile_is_refused(world: World, browser: httpx2.AsyncClient) -> None:
    """A logout token that overtakes the callback wins."""
    url = await answer_of_provider(browser)
    assert (await world.post_logout_token(world.provider.logout_token())).status_code == 200
    response = await browser.get(url)
    assert response.status_code == 400
    assert not await is_signed_in(browser)


@pytest.mark.parametrize(
    "changes",
    [
        {"token_type": "DPoP"},
        {"token_type": MISSING},
        {"access_token": MISSING},
        {"access_token": 5},
        {"id_token": MISSING},
    ],
)
async def test_odd_token_response_is_refused(
    world: World, browser: httpx2.AsyncClient, changes: dict[str, object]
) -> None:
    """A token response without the right members signs nobody in and is no fault of ours."""
    world.provider.token_response_changes = changes
    response = await browser.get(await answer_of_provider(browser))
    assert response.status_code in (400, 502)
    assert not await is_signed_in(browser)


@pytest.mark.parametrize("path", ["/oauth2/token", "/oauth2/userinfo", "/.well-known/jwks.json"])
@pytest.mark.parametrize("answer", ["503", "html", "list"])
async def test_broken_provider_gives_a_clear_page(
    world: World, browser: httpx2.AsyncClient, path: str, answer: str
) -> None:
    """Faults of the provider in mid sign-in end on a page with 502 or 503 and no trace."""
    url = await answer_of_provider(browser)
    answers = {
        "503": JSONResponse({}, status_code=503),
        "html": JSONResponse("<html>", status_code=200, media_type="text/html"),
        "list": JSONResponse([1]),
    }
    world.provider.broken[path] = answers[answer]
    response = await browser.get(url)
    assert response.status_code in (502, 503)
    assert "Traceback" not in response.text
    assert not await is_signed_in(browser)


async def test_provider_away_gives_a_clear_page(world: World, browser: httpx2.AsyncClient) -> None:
    """When the provider cannot be reached, the sign-in says so, with Retry-After; it works again afterwards."""
    away = world.servers.apps.pop(ISSUER)
    response = await browser.get(f"{SHOP}/login")
    assert response.status_code == 503
    assert response.headers["retry-after"]
    assert "does not answer" in response.text
    world.servers.apps[ISSUER] = away
    await sign_in(browser)
