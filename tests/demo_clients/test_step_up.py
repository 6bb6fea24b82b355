"""The Bank's transfers: what its API asks for (RFC 9470), how its page gets it, and what moves nothing."""

import json
import re
from typing import Any

import httpx2
import pytest

from demo_clients.bank.app import MAX_SIGN_IN_AGE_SECONDS, STRONG_SIGN_IN
from demo_clients.bank.transfers import ORDER_SECONDS
from demo_clients.relying_party.claim_checks import CLOCK_SKEW_SECONDS
from demo_clients.relying_party.code_flow import CodeFlow, PendingSignIn
from demo_clients.relying_party.step_up import StepUp, parse_step_up
from tests.demo_clients.provider import BANK, MISSING, SUBJECT
from tests.demo_clients.wire import World, parameters, post_form, prove, sign_in

pytestmark = pytest.mark.anyio

MFA = "urn:signet:acr:mfa"


async def post_transfer(world: World, body: bytes = b'{"source": "current", "amount": "10"}', **claims: Any) -> Any:
    """Call the API with a token that may move money, unless changed."""
    good = {"scope": "transfers.write", "acr": MFA, "auth_time": world.clock.at}
    token = world.provider.access_token(**good | claims)
    async with httpx2.AsyncClient(transport=world.servers, trust_env=False) as client:
        return await client.post(f"{BANK}/api/transfers", content=body, headers={"Authorization": f"Bearer {token}"})


async def balance(browser: httpx2.AsyncClient) -> str:
    """What the front page says of the current account."""
    found = re.search(r'data-account="current">([^<]+)<', (await browser.get(f"{BANK}/")).text)
    assert found
    return found.group(1)


async def order_money(browser: httpx2.AsyncClient, amount: str = "10") -> str:
    """Sign in weakly and order a transfer: the path of its page."""
    await sign_in(browser, BANK)
    response = await post_form(browser, "/transfers", BANK, source="current", amount=amount)
    assert response.status_code == 303
    return str(response.headers["location"])


@pytest.mark.parametrize("acr", STRONG_SIGN_IN)
async def test_strong_and_recent_sign_in_moves_money(world: World, acr: str) -> None:
    """Any of the classes will do, up to the last second."""
    oldest = world.clock.at - MAX_SIGN_IN_AGE_SECONDS - CLOCK_SKEW_SECONDS
    assert (await post_transfer(world, acr=acr, auth_time=oldest)).status_code == 201


@pytest.mark.requirement("RFC 9470", "3")
@pytest.mark.parametrize(
    "claims",
    [
        {"acr": "urn:signet:acr:password"},
        {"acr": MISSING},
        {"acr": [MFA]},
        {"acr": f"{MFA} phr"},
        {"auth_time": MISSING},
        {"auth_time": "now"},
        {"auth_time": 1_900_000_000 - MAX_SIGN_IN_AGE_SECONDS - CLOCK_SKEW_SECONDS - 1},
    ],
)
async def test_weaker_or_older_sign_in_is_challenged(world: World, claims: dict[str, Any]) -> None:
    """401, with what would do, in a form that a client can read."""
    response = await post_transfer(world, **claims)
    challenge = response.headers["www-authenticate"]
    assert response.status_code == 401
    assert response.json()["error"] == "insufficient_user_authentication"
    assert challenge.startswith('Bearer realm="bank", error="insufficient_user_authentication", error_description="')
    assert parse_step_up(challenge) == StepUp(STRONG_SIGN_IN, MAX_SIGN_IN_AGE_SECONDS)
    assert response.headers["cache-control"] == "no-store"


async def test_other_faults_are_no_step_up(world: World) -> None:
    """A token without the scope, or for another API, is refused as such: no sign-in would help."""
    for claims, status in (({"scope": "accounts.read"}, 403), ({"aud": "http://x/api"}, 401), ({"roles": []}, 403)):
        response = await post_transfer(world, **claims)
        assert response.status_code == status
        assert parse_step_up(response.headers["www-authenticate"]) is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"source": "current"}',
        b'{"source": 1, "amount": "1"}',
        b'{"source": "vault", "amount": "1"}',
        b'{"source": "current", "amount": "1", "amount": "2"}',
        b'{"source": "current", "amount": 5}',
        b"\xff",
    ],
)
async def test_bad_bodies_are_refused(world: World, body: bytes) -> None:
    """400 with the reason."""
    response = await post_transfer(world, body)
    assert response.status_code == 400
    assert response.json()["error_description"]


@pytest.mark.parametrize(
    "challenge",
    [
        "",
        "Bearer",
        'Basic realm="x", error="insufficient_user_authentication", acr_values="a"',
        'Bearer error="invalid_token", acr_values="a"',
        'Bearer error="insufficient_user_authentication"',
        'Bearer error="insufficient_user_authentication", max_age="-1"',
        'Bearer error="insufficient_user_authentication", max_age="1e9"',
    ],
)
def test_no_other_challenge_is_a_step_up(challenge: str) -> None:
    """Nothing to ask for, or no such challenge."""
    assert parse_step_up(challenge) is None


@pytest.mark.requirement("RFC 9470", "4")
async def test_page_asks_for_what_the_challenge_says(world: World, browser: httpx2.AsyncClient) -> None:
    """acr_values and max_age as they were, and that nothing less will do; then the same order goes through, once."""
    order = await order_money(browser)
    assert "One more step" in (await browser.get(BANK + order)).text
    assert await balance(browser) == "2,500.00 €"
    page = await prove(browser, order)
    asked = [query for path, query in world.provider.requests if path == "/oauth2/authorize"][-1]
    assert (asked["acr_values"], asked["max_age"]) == (" ".join(STRONG_SIGN_IN), str(MAX_SIGN_IN_AGE_SECONDS))
    assert json.loads(asked["claims"])["id_token"]["acr"] == {"essential": True, "values": list(STRONG_SIGN_IN)}
    assert 'id="moved"' in page.text
    for _ in range(2):
        assert 'id="moved"' in (await browser.get(BANK + order)).text
        assert (await post_form(browser, f"{order}/prove", BANK)).headers["location"] == order
    assert await balance(browser) == "2,490.00 €"


async def test_page_shows_each_step(browser: httpx2.AsyncClient) -> None:
    """From the first refusal to the end, with real parameters; what is worth stealing is cut."""
    order = await order_money(browser)
    page = (await prove(browser, order)).text
    told = re.findall(r"<p><strong>([^<]+)</strong></p>", page)
    assert [line.partition(":")[0] for line in told] == [
        "Please move the money",
        "Refused",
        "Authorization request",
        "Signed in again",
        "Please move the money",
        "Done",
    ]
    assert "max_age" in page
    assert MFA in page
    timeline = (await browser.get(f"{BANK}/timeline")).text
    assert "Refused: this takes a stronger sign-in" in timeline


async def test_strong_session_is_not_asked_again(browser: httpx2.AsyncClient) -> None:
    """The second transfer goes through at once."""
    await prove(browser, await order_money(browser))
    response = await post_form(browser, "/transfers", BANK, source="current", amount="5")
    assert 'id="moved"' in (await browser.get(BANK + response.headers["location"])).text
    assert await balance(browser) == "2,485.00 €"


async def test_weak_answer_is_challenged_again(world: World, browser: httpx2.AsyncClient) -> None:
    """A provider that brings less than was asked for moves nothing, and nothing goes round in a circle."""
    world.provider.strong_acr = "1"
    page = await prove(browser, await order_money(browser))
    assert "One more step" in page.text
    assert await balance(browser) == "2,500.00 €"


async def test_coming_back_without_proof_sends_nothing(world: World, browser: httpx2.AsyncClient) -> None:
    """The browser's own way back, and an answer that declines: the order waits."""
    order = await order_money(browser)
    sent = await post_form(browser, f"{order}/prove", BANK)
    calls = len(world.servers.urls(f"{BANK}/api/transfers"))
    assert "One more step" in (await browser.get(BANK + order)).text
    query = f"error=unmet_authentication_requirements&state={parameters(sent.headers['location'])['state']}"
    declined = await browser.get(f"{BANK}/callback?{query}&iss={world.provider.issuer}")
    assert declined.status_code == 400
    assert "as strongly as this needs" in declined.text
    assert len(world.servers.urls(f"{BANK}/api/transfers")) == calls


async def test_order_is_for_the_one_who_gave_it(world: World, browser: httpx2.AsyncClient) -> None:
    """Somebody else who comes back from the provider moves no money, nor does an order that is too old, or unknown."""
    order = await order_money(browser)
    sent = await post_form(browser, f"{order}/prove", BANK)
    world.provider.subject = "u-other"
    back = await browser.get((await browser.get(sent.headers["location"])).headers["location"])
    assert back.headers["location"] == order
    assert (await browser.get(BANK + order)).status_code == 404
    world.provider.subject = SUBJECT
    await sign_in(browser, BANK)
    assert (await browser.get(BANK + order)).status_code == 200
    assert (await browser.get(f"{BANK}/transfers/{'x' * 22}")).status_code == 404
    world.clock.at += ORDER_SECONDS + 1
    assert (await browser.get(BANK + order)).status_code == 404
    assert await balance(browser) == "2,500.00 €"


async def test_proving_needs_our_own_form(browser: httpx2.AsyncClient) -> None:
    """Another site cannot send the browser on its way; who is not signed in is asked to sign in."""
    order = await order_money(browser)
    assert (await browser.post(f"{BANK}{order}/prove", data={"csrf_token": "x"})).status_code == 403
    browser.cookies.clear()
    assert (await browser.get(BANK + order)).headers["location"].startswith("/login?next=/transfers/")


async def test_order_that_is_carried_out_while_it_is_proved_again(
    browser: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The way back in one tab and the button in another: the money moves once."""
    order, begin = await order_money(browser), CodeFlow.begin
    sent = await post_form(browser, f"{order}/prove", BANK)
    await browser.get((await browser.get(sent.headers["location"])).headers["location"])

    async def begin_slowly(flow: CodeFlow, return_path: str, **more: Any) -> PendingSignIn:
        monkeypatch.setattr(CodeFlow, "begin", begin)
        assert "The money has moved" in (await browser.get(BANK + order)).text
        return await begin(flow, return_path, **more)

    monkeypatch.setattr(CodeFlow, "begin", begin_slowly)
    assert "The money has moved" in (await prove(browser, order)).text
    assert await balance(browser) == "2,490.00 €"
