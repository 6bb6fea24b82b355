"""SS: sign-out: who may cause it, where it leads, and what it ends (R2, R5, R7)."""

from urllib.parse import parse_qs, urlsplit

import pytest

from tests.attacks.cases import case
from tests.attacks.oracle import ISSUED, assert_challenged, assert_page, assert_redirected, assert_refused, unchanged
from tests.attacks.pages import hidden
from tests.attacks.tokens import forge, header_of, sign
from tests.provider import House, claims_of

PATH = "/oauth2/logout"
BACK = "https://rp.example/bye"


@pytest.fixture
def house(house: House) -> House:
    """The house, with clients that have post-logout addresses."""
    house.add_client("out", post_logout_redirect_uris=[BACK, "https://rp.example/bye?x=1"])
    house.add_client("other", post_logout_redirect_uris=["https://other.example/bye"])
    return house


@pytest.mark.case("SS-04")
@pytest.mark.parametrize("params", [{}, {"client_id": "out"}, {"state": "x"}, {"logout_hint": "alice"}])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_sign_out_without_a_hint_is_asked(house: House, method: str, params: dict[str, str]) -> None:
    """An image or a link elsewhere cannot sign anybody out: without a hint the person is asked, and stays signed in."""
    browser = house.browser()
    browser.code_flow()
    with unchanged(house, *ISSUED):
        sent = browser.get(PATH, params=params) if method == "GET" else browser.post(PATH, data=params)
        page = browser.follow(sent)
        assert 'id="logout-confirm"' in page.text
        assert "set-cookie" not in page.headers
    assert "code" in browser.code_flow(prompt="none")


@pytest.mark.case("SS-04")
@pytest.mark.parametrize("token", ["", "x", "foreign", "no cookie"])
def test_confirmation_cannot_be_forged(house: House, token: str) -> None:
    """The question is answered by this browser's own form alone, and once."""
    browser, other = house.browser(), house.browser()
    browser.code_flow()
    other.code_flow(username="bob")
    page = browser.get(PATH)
    form = hidden(page)
    foreign = hidden(other.get(PATH))["csrf_token"] if token == "foreign" else token
    with unchanged(house):
        if token == "no cookie":
            assert_page(house.browser().post("/oauth2/logout/confirm", data=form), 403)
        else:
            assert_page(browser.post("/oauth2/logout/confirm", data=form | {"csrf_token": foreign}), 403)
        twice = {name: [value, value] for name, value in form.items()}
        assert_page(browser.post("/oauth2/logout/confirm", data=twice))
    assert "code" in browser.code_flow(prompt="none")
    assert browser.submit(page, action="sign_out").status_code == 200
    assert_redirected(browser.authorize(prompt="none"), "login_required")
    assert_page(browser.submit(page, action="sign_out"))


@pytest.mark.case("SS-05")
def test_hint_of_someone_else_signs_nobody_out(house: House) -> None:
    """Bob's ID Token in alice's browser leads to a question, whatever else is sent; both stay signed in."""
    alice, bob = house.browser(), house.browser()
    hint = bob.tokens("out", username="bob")["id_token"]
    tokens = alice.tokens()
    with unchanged(house, *ISSUED):
        page = alice.get(PATH, params={"id_token_hint": hint, "post_logout_redirect_uri": BACK})
        assert 'id="logout-confirm"' in page.text
    assert "code" in alice.code_flow(prompt="none")
    assert "code" in bob.code_flow(prompt="none")
    with unchanged(house, *ISSUED):
        stranger = house.browser()
        stranger.get(PATH, params={"id_token_hint": hint})
        stranger.get(PATH, params={"id_token_hint": tokens["id_token"]})
    assert alice.userinfo(tokens["access_token"]).status_code == 200


@pytest.mark.case("SS-06")
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "kind", ["tampered", "unsigned", "foreign key", "foreign issuer", "access token", "logout token", "garbage", "long"]
)
def test_hint_that_is_not_ours(house: House, kind: str, method: str) -> None:
    """A hint that is no ID Token of ours is refused on a page, and ends nothing."""
    browser = house.browser()
    tokens = browser.tokens("out")
    head, payload, signature = tokens["id_token"].split(".")
    header, claims = header_of(tokens["id_token"]), claims_of(tokens["id_token"])
    hint = {
        "tampered": f"{head}.{payload[:-4]}AAAA.{signature}",
        "unsigned": forge(header | {"alg": "none"}, claims),
        "foreign key": forge(header, claims),
        "foreign issuer": sign(house, claims | {"iss": "https://other.example"}, typ="JWT"),
        "access token": tokens["access_token"],
        "logout token": sign(house, claims, typ="logout+jwt"),
        "garbage": "x.y.z",
        "long": "x" * 20_000,
    }[kind]
    params = {"id_token_hint": hint, "post_logout_redirect_uri": BACK, "state": "st"}
    with unchanged(house):
        assert_page(browser.get(PATH, params=params) if method == "GET" else browser.post(PATH, data=params))


@pytest.mark.parametrize("hinted", [True, False])
@pytest.mark.parametrize(
    "uri",
    [
        case("SS-07", "https://evil.example/bye"),
        case("SS-07", "https://other.example/bye"),
        case("SS-07", "javascript:alert(1)"),
        case("SS-07", "https://rp.example/bye/"),
        case("SS-07", "https://rp.example/BYE"),
        case("SS-07", "https://RP.example/bye"),
        case("SS-07", "https://rp.example/bye?"),
        case("SS-07", "https://rp.example/bye#"),
        case("SS-07", "https://rp.example:443/bye"),
        case("SS-07", "https://rp.example/cb"),
        case("SS-07", "//rp.example/bye"),
        case("SS-07", "https://rp.example/bye\r\nSet-Cookie: a=b"),
    ],
)
def test_unregistered_return_address_is_never_followed(house: House, uri: str, hinted: bool) -> None:
    """A post-logout address that is not registered exactly gives a page, and nobody is signed out."""
    browser = house.browser()
    hint = browser.tokens("out")["id_token"]
    params = {"id_token_hint": hint} if hinted else {"client_id": "out"}
    with unchanged(house):
        assert_page(browser.get(PATH, params=params | {"post_logout_redirect_uri": uri}))


@pytest.mark.case("SS-07")
def test_return_address_without_a_hint_is_not_followed(house: House) -> None:
    """Without a hint nobody knows that the client asks, so nothing is redirected, even to a registered address."""
    for params in ({"client_id": "out"}, {}):
        answer = house.browser().get(PATH, params=params | {"post_logout_redirect_uri": BACK})
        assert "location" not in answer.headers
    browser = house.browser()
    browser.code_flow()
    page = browser.get(PATH, params={"client_id": "out", "post_logout_redirect_uri": BACK})
    assert "location" not in browser.submit(page, action="sign_out").headers


@pytest.mark.case("SS-08")
@pytest.mark.parametrize("audience", ["out", ["out", "other"], ["out"], None, {}])
@pytest.mark.parametrize("client_id", ["other", None])
def test_hint_and_client_must_agree(house: House, audience: object, client_id: str | None) -> None:
    """A hint that was issued to another client than the one named, or not to one client, is refused on a page."""
    browser = house.browser()
    hint = browser.tokens("out")["id_token"]
    signed = sign(house, claims_of(hint) | {"aud": audience}, typ="JWT")
    named = {"client_id": client_id} if client_id else {}
    params = {"id_token_hint": signed, "post_logout_redirect_uri": BACK} | named
    if (audience, client_id) == ("out", None):
        assert browser.get(PATH, params=params).headers["location"] == BACK
    else:
        with unchanged(house):
            assert_page(browser.get(PATH, params=params))


@pytest.mark.case("SS-09")
@pytest.mark.parametrize("uri", [BACK, "https://rp.example/bye?x=1"])
@pytest.mark.parametrize("state", ["st", "+ % & = # / ü 😀", "x\r\nSet-Cookie: a=b", "x" * 2048])
def test_state_comes_back_exactly(house: House, state: str, uri: str) -> None:
    """The state is appended to the return address as it was sent."""
    browser = house.browser()
    hint = browser.tokens("out")["id_token"]
    params = {"id_token_hint": hint, "post_logout_redirect_uri": uri, "state": state}
    out = browser.get(PATH, params=params)
    assert out.status_code == 303
    assert out.headers["location"].startswith(uri)
    assert parse_qs(urlsplit(out.headers["location"]).query)["state"] == [state]
    assert_redirected(browser.authorize(prompt="none"), "login_required")


@pytest.mark.case("SS-07", "SS-09")
@pytest.mark.parametrize("name", ["state", "id_token_hint", "post_logout_redirect_uri", "client_id"])
@pytest.mark.parametrize("where", ["query", "form", "both"])
def test_repeated_parameter_is_refused(house: House, name: str, where: str) -> None:
    """A parameter that comes twice, or in query and body, is refused on a page, and ends nothing."""
    browser = house.browser()
    hint = browser.tokens("out")["id_token"]
    form = {"id_token_hint": hint, "post_logout_redirect_uri": BACK, "state": "st", "client_id": "out"}
    with unchanged(house):
        if where == "query":
            assert_page(browser.get(PATH, params=[*form.items(), (name, form[name])]))
        elif where == "form":
            assert_page(browser.post(PATH, data={key: [text] * (1 + (key == name)) for key, text in form.items()}))
        else:
            assert_page(browser.post(f"{PATH}?{name}=x", data=form))


@pytest.mark.case("SS-14")
def test_sign_out_ends_tokens_and_code(house: House) -> None:
    """Sign-out ends the session's tokens and the codes under way, and only this browser's session."""
    browser, elsewhere = house.browser(), house.browser()
    tokens, kept = browser.tokens("out"), elsewhere.tokens("out")
    code = browser.code_flow("out", scope="openid offline_access")["code"]
    browser.get(PATH, params={"id_token_hint": tokens["id_token"]})
    assert_challenged(browser.userinfo(tokens["access_token"]), "invalid_token")
    assert_refused(browser.refresh(tokens["refresh_token"], "out"), "invalid_grant")
    assert_refused(browser.exchange(code, "out"), "invalid_grant")
    assert elsewhere.userinfo(kept["access_token"]).status_code == 200
