"""The pages that show: the verification page, the buttons with their live results, the timeline."""

import html
import re
from dataclasses import dataclass

import httpx2
import pytest
from joserfc.jwk import RSAKey

from demo_clients.relying_party.attacks import ATTACKS
from demo_clients.relying_party.attempts import ATTEMPTS
from tests.demo_clients.provider import BANK, ISSUER, SHOP
from tests.demo_clients.wire import World, is_signed_in, post_form, sign_in

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Shown:
    """One result as the page shows it."""

    title: str
    ending: str
    status: str
    text: str


async def press(browser: httpx2.AsyncClient, attempt: str, site: str = SHOP) -> list[Shown]:
    """Press a button and read the results, newest batch first."""
    response = await post_form(browser, "/try", site, attempt=attempt)
    assert response.status_code == 303, response.text
    text = (await browser.get(f"{site}/try")).text
    return [
        Shown(
            title=html.unescape(found(r"<strong>(.*?)</strong>", item)),
            ending=found(r'data-ending="(.*?)"', item),
            status=found(r'class="status">(\d+)<', item),
            text=html.unescape(re.sub(r"<[^>]*>", " ", item)),
        )
        for item in re.findall(r'<li class="result.*?</li>', text, re.S)
    ]


def found(pattern: str, text: str) -> str:
    """The first group of the first match, or nothing."""
    match = re.search(pattern, text, re.S)
    return match.group(1) if match else ""


@pytest.mark.parametrize(
    ("attempt", "status", "words"),
    [
        ("proper", "200", '"accounts"'),
        ("none", "401", 'Bearer realm="bank"'),
        ("id-token", "401", "type: The token is of another kind"),
        ("other-audience", "401", "audience: The token was made for somebody else"),
        ("forged-times", "401", "signature:"),
        ("flipped-byte", "401", "signature:"),
        ("alg-none", "401", "algorithm:"),
        ("hs256", "401", "algorithm:"),
    ],
)
async def test_button_shows_status_and_reason(
    browser: httpx2.AsyncClient, attempt: str, status: str, words: str
) -> None:
    """Each call of the Bank's API ends as it should, with its reason on the page."""
    await sign_in(browser)
    [shown] = await press(browser, attempt)
    assert shown.status == status
    assert "as it should be" in shown.text
    assert words in shown.text


async def test_expired_token_is_a_genuine_one(world: World, browser: httpx2.AsyncClient) -> None:
    """Before any token has expired the page says when; afterwards it sends the one that did."""
    await sign_in(browser)
    [waiting] = await press(browser, "expired")
    assert waiting.ending == "not run"
    assert "in 310 seconds" in waiting.text
    world.clock.at += 310
    shown = (await press(browser, "expired"))[0]
    assert (shown.ending, shown.status) == ("refused", "401")
    assert "expiry: The token has expired" in shown.text


async def test_all_calls_in_one_go(browser: httpx2.AsyncClient) -> None:
    """One button makes all calls, shown in the order of the page."""
    await sign_in(browser)
    assert [shown.title for shown in await press(browser, "all")] == [attempt.title for attempt in ATTEMPTS]


async def test_bank_calls_the_shop(browser: httpx2.AsyncClient) -> None:
    """The Bank has the same buttons for the Shop's API, and sees the order that was placed there."""
    await sign_in(browser)
    await post_form(browser, "/orders", product="lamp")
    await sign_in(browser, BANK)
    shown = await press(browser, "all", BANK)
    assert [one.status for one in shown] == ["200", "401", "401", "401", "", "401", "401", "401", "401"]
    assert "Desk lamp" in shown[0].text


@pytest.mark.parametrize(
    ("attack", "words"),
    [
        ("wrong-state", "belongs to no sign-in"),
        ("response-replay", "used already"),
        ("mix-up", "not come from the sign-in service"),
        ("open-redirect", "none of our own pages"),
    ],
)
async def test_attack_is_refused_because(world: World, browser: httpx2.AsyncClient, attack: str, words: str) -> None:
    """Each attack on the sign-in is refused with its reason, and the code is sent nowhere."""
    await sign_in(browser)
    asked = world.provider.count("/oauth2/token")
    [shown] = await press(browser, attack)
    assert shown.ending == "refused"
    assert "Refused because:" in shown.text
    assert words in shown.text
    assert world.provider.count("/oauth2/token") == asked
    assert await is_signed_in(browser)


async def test_code_replay_costs_the_sign_in(browser: httpx2.AsyncClient) -> None:
    """The provider refuses the spent code and revokes what came of it; the page shows both, signed out."""
    await sign_in(browser)
    [shown] = await press(browser, "code-replay")
    assert "invalid_grant" in shown.text
    assert "are dead" in shown.text
    assert not await is_signed_in(browser)


def test_buttons_have_names_of_their_own() -> None:
    """No two buttons send the same name."""
    names = [one.key for one in (*ATTEMPTS, *ATTACKS)]
    assert len(names) == len(set(names))


async def test_unknown_button_and_nobody_signed_in(browser: httpx2.AsyncClient) -> None:
    """An invented button is refused; without a sign-in the page offers one and runs nothing."""
    response = await browser.post(f"{SHOP}/try", data={"attempt": "proper"})
    assert response.status_code == 403
    assert "/login?next=/try" in (await browser.get(f"{SHOP}/try")).text
    await sign_in(browser)
    assert (await post_form(browser, "/try", attempt="invented")).status_code == 403


async def test_peer_or_provider_away(world: World, browser: httpx2.AsyncClient) -> None:
    """A Bank that is away is a result; a provider that is away is a clear page."""
    await sign_in(browser)
    bank = world.servers.apps.pop(BANK)
    [shown] = await press(browser, "none")
    assert shown.ending == "not run"
    assert "does not answer" in shown.text
    world.servers.apps[BANK] = bank
    world.servers.apps.pop(ISSUER)
    assert (await post_form(browser, "/try", attempt="proper")).status_code == 503


async def test_verification_page_shows_every_check(world: World, browser: httpx2.AsyncClient) -> None:
    """The raw token in three parts, claims with times in words, the key, and each check passed with its reason."""
    await sign_in(browser)
    text = (await browser.get(f"{SHOP}/token")).text
    id_token = text.partition('id="keys"')[0]
    outcomes = dict(re.findall(r'data-check="(.*?)" data-outcome="(.*?)"', id_token))
    passed = {"type", "algorithm", "key", "signature", "issuer", "audience", "expiry", "issued at", "nonce"}
    assert {name for name, outcome in outcomes.items() if outcome == "passed"} >= passed | {"access token hash"}
    assert set(outcomes.values()) == {"passed", "not applicable"}
    raw = [found(rf'<span class="part-{part}">(e?[\w-]{{40,}})</span>', id_token) for part in ("header", "payload")]
    assert all(raw)
    assert "17 Mar 2030, 17:51:40 UTC, in 5 min 0 s" in id_token
    assert "&#34;kty&#34;: &#34;RSA&#34;" in id_token
    assert "&#34;d&#34;" not in text, "no private member"
    assert all(title in text for title in ("Access token for UserInfo", "Access token for the Bank"))


async def test_verification_page_tells_of_a_rotation(
    world: World, browser: httpx2.AsyncClient, signing_keys: tuple[RSAKey, RSAKey, RSAKey]
) -> None:
    """After a rotation the page lists both keys, and the old token still verifies; withdrawn, it does not."""
    await sign_in(browser)
    world.clock.at += 10
    world.provider.keys = [signing_keys[1], signing_keys[0]]
    text = (await browser.get(f"{SHOP}/token")).text
    assert 'id="signed-by">key-1<' in text
    assert "<code>key-2</code>" in text
    assert 'data-verifies="yes"' in text
    assert "idp keys rotate" in text
    await sign_in(browser)
    assert 'id="signed-by">key-2<' in (await browser.get(f"{SHOP}/token")).text
    world.clock.at += 10
    world.provider.keys = [signing_keys[0]]
    assert 'data-verifies="no"' in (await browser.get(f"{SHOP}/token")).text


async def test_renewal_is_counted(browser: httpx2.AsyncClient) -> None:
    """The button renews the token at once, and the page counts renewals and rotations."""
    await sign_in(browser)
    assert 'id="renewals">1<' in (await browser.get(f"{SHOP}/token")).text
    assert (await post_form(browser, "/renew")).headers["location"] == "/token#access-tokens"
    text = (await browser.get(f"{SHOP}/token")).text
    assert 'id="renewals">2<' in text
    assert 'id="rotations">2<' in text


async def test_hostile_claims_stay_text(world: World, browser: httpx2.AsyncClient) -> None:
    """Markup and endless values in claims are shown escaped and cut."""
    hostile = "<img src=x onerror=alert(1)>\u202e\x00" + "A" * 20_000
    world.provider.claims = {"name": hostile, hostile[:40]: [hostile], "email": {"a": hostile}}
    world.provider.id_token_changes = {"acr": "<b>bold</b>"}
    await sign_in(browser)
    for path in ("/", "/token", "/try", "/timeline", "/logout"):
        response = await browser.get(SHOP + path)
        assert response.status_code == 200
        assert "<img src=x" not in response.text
        assert "<b>bold" not in response.text
        assert len(response.text) < 60_000


async def test_timeline_shows_real_parameters_masked(browser: httpx2.AsyncClient) -> None:
    """Every message is there; secrets are cut to their beginning."""
    await sign_in(browser)
    await browser.get(f"{SHOP}/token")
    text = html.unescape((await browser.get(f"{SHOP}/timeline")).text)
    messages = ["Authorization request", "Authorization response", "Token request", "Token response", "UserInfo"]
    assert all(message in text for message in [*messages, "Refresh: a token for this API"])
    assert f"{ISSUER}" in text
    assert re.search(r"<code>code_challenge</code></dt><dd><code>.{6}… \(43 characters\)", text)
