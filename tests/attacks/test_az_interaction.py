"""AZ: the pages between request and response: the server decides every step from what it stored (R16)."""

import httpx2
import pytest

from idp.accounts.accounts import disable_account
from tests.accounts.world import at_once
from tests.attacks.oracle import assert_page, assert_redirected, unchanged
from tests.attacks.pages import hidden
from tests.provider import Browser, House, claims_of, response_params


def consent_page(browser: Browser) -> httpx2.Response:
    """Go to the consent page as alice."""
    page = browser.sign_in(browser.follow(browser.authorize("third")))
    assert 'id="consent-allow"' in page.text
    return page


@pytest.mark.case("AZ-38")
def test_hidden_fields_change_nothing(house: House) -> None:
    """Whatever the consent form is made to say, the stored request alone counts."""
    browser = house.browser()
    page = consent_page(browser)
    forged = {
        "scope": "openid profile email roles offline_access",
        "client_id": "evil",
        "redirect_uri": "https://evil.example/cb",
        "code_challenge": "x" * 43,
        "state": "forged",
        "nonce": "forged",
        "account": "bob",
    }
    answer = browser.submit(page, action="allow", **forged)
    assert answer.headers["location"].startswith("https://rp.example/cb?")
    params = response_params(answer)
    assert params["state"] == "st"
    tokens = browser.exchange(params["code"], "third").json()
    assert tokens["scope"] == "openid"
    assert claims_of(tokens["id_token"])["aud"] == "third"
    assert claims_of(tokens["id_token"])["nonce"] == "n-0"


@pytest.mark.case("AZ-38")
@pytest.mark.parametrize("name", ["flow", "csrf_token", "action"])
def test_repeated_field_of_a_page_is_refused(house: House, name: str) -> None:
    """A form of ours has every field once; one that repeats a field is not ours."""
    browser = house.browser()
    page = consent_page(browser)
    fields = {**hidden(page), "action": "allow"}
    body = "&".join(f"{key}={value}" for key, value in [*fields.items(), (name, fields[name])])
    with unchanged(house):
        headers = {"content-type": "application/x-www-form-urlencoded"}
        assert_page(browser.post("/consent", content=body, headers=headers))


@pytest.mark.case("AZ-61")
@pytest.mark.parametrize("token", ["", "x", "0" * 64, "foreign"])
def test_consent_without_its_token_is_forbidden(house: House, token: str) -> None:
    """A consent form without the token of this browser and page gives nothing."""
    browser, other = house.browser(), house.browser()
    page = consent_page(browser)
    if token == "foreign":
        token = hidden(other.follow(other.authorize("third")))["csrf_token"]
    with unchanged(house):
        assert_page(browser.submit(page, action="allow", csrf_token=token), 403)
        assert_page(browser.post("/consent", data={"flow": hidden(page)["flow"], "action": "allow"}), 403)


@pytest.mark.case("AZ-61")
def test_consent_from_another_site_is_forbidden(house: House) -> None:
    """A cross-site POST has no cookie, so it is from another browser for all we know."""
    browser = house.browser()
    page = consent_page(browser)
    browser.cookies.clear()
    with unchanged(house):
        assert_page(browser.submit(page, action="allow"), 403)


@pytest.mark.case("AZ-63")
def test_page_of_another_browser_is_forbidden(house: House) -> None:
    """Mallory's session does not help with the page that was opened in alice's browser, nor the other way round."""
    alice, mallory = house.browser(), house.browser()
    page = consent_page(alice)
    mallory.code_flow(username="bob")
    flow = hidden(page)["flow"]
    own = hidden(mallory.follow(mallory.authorize("third", scope="openid email")))
    with unchanged(house):
        assert_page(mallory.submit(page, action="allow"), 403)
        assert_page(mallory.post("/consent", data=own | {"flow": flow, "action": "allow"}), 403)
        assert_page(mallory.get("/consent", params={"flow": flow}), 403)
        assert_page(mallory.get("/login", params={"flow": flow}), 403)
        assert_page(mallory.get("/oauth2/authorize/continue", params={"flow": flow}), 403)
        assert_page(alice.post("/consent", data=own | {"action": "allow"}), 403)


@pytest.mark.case("AZ-63")
def test_session_of_another_browser_cannot_be_chosen(house: House) -> None:
    """The account chooser takes only sessions of its own browser; the id of another one leads to the sign-in page."""
    alice, bob = house.browser(), house.browser()
    alice.code_flow()
    bob.code_flow(username="bob")
    with house.storage.snapshot() as uow:
        account = uow.accounts.find_by_name("alice")
        assert account is not None
        (session,) = uow.sessions.list_live(account.account_id, house.clock.now())
    page = bob.follow(bob.authorize(prompt="select_account"))
    with unchanged(house, "sessions"):
        assert 'id="login-submit"' in bob.submit(page, account=session.session_id).text


@pytest.mark.case("AZ-62")
def test_approving_twice_at_once_gives_one_code(house: House) -> None:
    """Of two approvals at the same moment one gets the code, the other a friendly page that leads on."""
    browser = house.browser()
    page = consent_page(browser)
    clones = [house.browser(cookies=dict(browser.cookies)) for _ in range(8)]
    answers = at_once(len(clones), lambda number: clones[number].submit(page, action="allow"))
    redirected = [answer for answer in answers if not isinstance(answer, Exception) and answer.is_redirect]
    refused = [answer for answer in answers if not isinstance(answer, Exception) and not answer.is_redirect]
    assert (len(redirected), len(refused)) == (1, 7)
    for answer in refused:
        assert_page(answer)
        assert 'id="continue"' in answer.text
    assert browser.exchange(response_params(redirected[0])["code"], "third").status_code == 200


@pytest.mark.case("AZ-62")
def test_back_and_approve_again_leads_on(house: House) -> None:
    """An approval that comes again from the history says so and offers to start anew."""
    browser = house.browser()
    page = consent_page(browser)
    assert browser.submit(page, action="allow").is_redirect
    with unchanged(house):
        again = browser.submit(page, action="allow")
        assert_page(again)
    assert 'id="continue"' in again.text


@pytest.mark.case("AZ-64")
@pytest.mark.parametrize("seconds", [2 * 3600 + 1, 1_000])
def test_session_that_ends_before_consent_leads_back(house: House, seconds: int) -> None:
    """When the session is over before the consent is sent, the sign-in page comes back and the request is kept."""
    browser = house.browser(cookies=None)
    house.clock.move(-seconds)
    browser.code_flow()
    house.clock.move(seconds - 60)
    page = browser.follow(browser.authorize("third"))
    assert 'id="consent-allow"' in page.text
    house.clock.move(120)
    if seconds == 1_000:
        with house.storage.begin() as uow:
            account = uow.accounts.find_by_name("alice")
            assert account is not None
            house.server.sessions.end_all(uow, account.account_id, house.clock.now())
    back = browser.submit(page, action="allow")
    assert 'id="login-submit"' in back.text
    consent = browser.sign_in(back)
    assert response_params(browser.submit(consent, action="allow"))["state"] == "st"


@pytest.mark.case("AZ-64")
def test_account_disabled_before_consent_gets_no_code(house: House) -> None:
    """An account that is disabled while the page is open has to sign in, and cannot."""
    browser = house.browser()
    page = consent_page(browser)
    with house.storage.begin() as uow:
        account = uow.accounts.find_by_name("alice")
        assert account is not None
        disable_account(uow, house.server.sessions, account, house.clock.now())
    back = browser.submit(page, action="allow")
    assert 'id="login-submit"' in back.text
    with unchanged(house, "sessions", "grants", "consents"):
        assert browser.sign_in(back).status_code == 400


@pytest.mark.case("AZ-60")
def test_two_flows_in_one_browser_stay_apart(house: House) -> None:
    """Two flows begun before one sign-in end in reverse order, each with its own client, state, nonce and scope."""
    browser = house.browser()
    uri = "https://post.example/cb"
    first = browser.follow(browser.authorize(state="one", nonce="n-1", scope="openid email"))
    second = browser.follow(browser.authorize("post", state="two", nonce="n-2", redirect_uri=uri))
    ended = response_params(browser.sign_in(second))
    other = response_params(browser.sign_in(first))
    assert (ended["state"], other["state"]) == ("two", "one")
    posted = browser.post(
        "/oauth2/token",
        data={
            "client_id": "post",
            "client_secret": "s" * 43,
            "grant_type": "authorization_code",
            "code": ended["code"],
            "redirect_uri": uri,
            "code_verifier": "v" * 43,
        },
    ).json()
    basic = browser.exchange(other["code"]).json()
    assert (claims_of(posted["id_token"])["nonce"], claims_of(basic["id_token"])["nonce"]) == ("n-2", "n-1")
    assert (posted["scope"], basic["scope"]) == ("openid", "openid email")


@pytest.mark.case("AZ-41")
def test_denied_consent_is_not_remembered(house: House) -> None:
    """Without a consent `prompt=none` is refused, before and after a denial."""
    browser = house.browser()
    page = consent_page(browser)
    assert_redirected(browser.authorize("third", prompt="none"), "consent_required", "interaction_required")
    assert_redirected(browser.submit(page, action="deny"), "access_denied")
    with unchanged(house):
        assert_redirected(browser.authorize("third", prompt="none"), "consent_required", "interaction_required")
