"""UI: UserInfo takes our own live access tokens for itself, sent in one place, and nothing else (R5, R7, R15)."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from idp.accounts.accounts import disable_account, enable_account, set_password
from idp.accounts.clients import disable_client, enable_client
from idp.stores.interfaces import UnitOfWork
from tests.attacks.oracle import assert_challenged, unchanged
from tests.attacks.raw import FORM, ask_raw
from tests.attacks.tokens import forge, header_of, sign
from tests.provider import API, ISSUER, SECRET, House, claims_of

PATH = "/oauth2/userinfo"


@pytest.mark.case("UI-01")
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("authorization", "error"),
    [
        (None, None),
        (b"Basic d2ViOng=", None),
        (b"Bearer", "invalid_token"),
        (b"Bearer ", "invalid_token"),
        (b"Bearer  a b", "invalid_token"),
        (b"bearer x", "invalid_token"),
        (b"Bearer\xa0x", None),
        (b"Bearer \xff\xfe", "invalid_token"),
        (b"Bearer " + b"x" * 20_000, "invalid_token"),
        (b"Bearer x.y.z", "invalid_token"),
    ],
)
def test_header_without_a_good_token(house: House, method: str, authorization: bytes | None, error: str | None) -> None:
    """No token gives a bare challenge, a malformed one says invalid_token."""
    headers = [(b"authorization", authorization)] if authorization is not None else []
    with unchanged(house):
        assert_challenged(ask_raw(house, method, PATH, *headers), error)


@pytest.mark.case("UI-02")
@pytest.mark.parametrize("also", [False, True])
def test_token_in_the_query_is_refused(house: House, also: bool) -> None:
    """An address is logged, so the token in it does not count, even if it is good and in the header as well."""
    browser = house.browser()
    token = browser.tokens()["access_token"]
    headers = {"authorization": f"Bearer {token}"} if also else {}
    refused = browser.get(PATH, params={"access_token": token}, headers=headers)
    assert_challenged(refused, "invalid_request", status=400)


@pytest.mark.case("UI-03")
def test_token_in_two_places_is_refused(house: House) -> None:
    """A token comes once: in one header or in the body."""
    browser = house.browser()
    token = browser.tokens()["access_token"]
    header, body = (b"authorization", f"Bearer {token}".encode()), f"access_token={token}".encode()
    with unchanged(house):
        for refused in (
            ask_raw(house, "POST", PATH, FORM, header, body=body),
            ask_raw(house, "GET", PATH, header, header),
            ask_raw(house, "GET", PATH, header, (b"authorization", b"Basic x")),
            ask_raw(house, "POST", PATH, FORM, body=body + b"&" + body),
        ):
            assert_challenged(refused, "invalid_request", status=400)
    assert ask_raw(house, "POST", PATH, FORM, body=body).status_code == 200
    assert ask_raw(house, "GET", PATH, header).status_code == 200


def _with_account(act: Callable[[UnitOfWork, House, Any], object]) -> Callable[[UnitOfWork, House], None]:
    def run(uow: UnitOfWork, house: House) -> None:
        account = uow.accounts.find_by_name("alice")
        assert account is not None
        act(uow, house, account)

    return run


def _with_client(act: Callable[[UnitOfWork, House, Any], object]) -> Callable[[UnitOfWork, House], None]:
    def run(uow: UnitOfWork, house: House) -> None:
        client = uow.clients.find("web")
        assert client is not None
        act(uow, house, client)

    return run


def _reset(uow: UnitOfWork, house: House, account: Any) -> None:
    set_password(uow, house.server.sessions, account, house.passwords.hash("another password"), house.clock.now())


TAKEN = {
    "disabled": _with_account(lambda u, h, a: disable_account(u, h.server.sessions, a, h.clock.now())),
    "enabled again": _with_account(
        lambda u, h, a: enable_account(u, disable_account(u, h.server.sessions, a, h.clock.now()), h.clock.now())
    ),
    "password reset": _with_account(_reset),
    "session ended": _with_account(lambda u, h, a: h.server.sessions.end_all(u, a.account_id, h.clock.now())),
    "client disabled": _with_client(lambda u, h, c: disable_client(u, c, h.clock.now())),
    "client enabled again": _with_client(lambda u, h, c: enable_client(u, disable_client(u, c, 1), h.clock.now())),
    "account gone": _with_account(lambda u, h, a: u.accounts.replace(replace(a, enabled=False))),
}


@pytest.mark.case("UI-04")
@pytest.mark.parametrize("act", list(TAKEN))
def test_access_taken_away_counts_at_once(house: House, act: str) -> None:
    """Each way of taking access away makes the token worthless with the next request, and nothing revives it."""
    browser = house.browser()
    token = browser.tokens()["access_token"]
    assert browser.userinfo(token).status_code == 200
    with house.storage.begin() as uow:
        TAKEN[act](uow, house)
    with unchanged(house):
        assert_challenged(browser.userinfo(token), "invalid_token")
        assert act == "client disabled" or browser.introspect(token) == {"active": False}


@pytest.mark.case("UI-04")
def test_expired_and_revoked_tokens_are_refused(house: House) -> None:
    """A token counts until the second in which it expires, or until its client gives it back."""
    browser = house.browser()
    token, other = browser.tokens()["access_token"], browser.tokens()["access_token"]
    assert browser.post("/oauth2/revoke", data={"token": other}, auth=("web", SECRET)).status_code == 200
    assert_challenged(browser.userinfo(other), "invalid_token")
    house.clock.move(299)
    assert browser.userinfo(token).status_code == 200
    house.clock.move(1)
    assert_challenged(browser.userinfo(token), "invalid_token")


@pytest.mark.case("UI-05")
def test_token_without_openid_is_not_enough(house: House) -> None:
    """A token for a person without openid, and one of a client for itself, lack the scope."""
    browser = house.browser()
    tokens = [
        browser.tokens(scope="profile email")["access_token"],
        browser.token("svc", grant_type="client_credentials").json()["access_token"],
    ]
    for token in tokens:
        assert_challenged(browser.userinfo(token), "insufficient_scope", status=403)


@pytest.mark.case("UI-06")
def test_subjects_agree_and_never_mix(house: House) -> None:
    """UserInfo, ID Token, access token and introspection name the same subject, and two accounts have two."""
    found = set()
    for username in ("alice", "bob"):
        browser = house.browser()
        tokens = browser.tokens(username=username)
        subjects = {claims_of(tokens[name])["sub"] for name in ("id_token", "access_token")}
        subjects.add(browser.userinfo(tokens["access_token"]).json()["sub"])
        subjects.add(browser.introspect(tokens["access_token"])["sub"])
        assert len(subjects) == 1
        found |= subjects
    assert len(found) == 2


@pytest.mark.case("UI-05", "JO-12")
def test_token_for_another_resource_is_refused(house: House) -> None:
    """A token for the API is worthless here, whatever its scopes."""
    browser = house.browser()
    token = browser.tokens(scope="openid profile api.read", resource=API)["access_token"]
    assert claims_of(token)["aud"] == API
    assert_challenged(browser.userinfo(token), "invalid_token")


@pytest.mark.case("UI-04", "JO-01", "JO-04", "JO-13", "JO-14")
@pytest.mark.parametrize("kind", ["id_token", "refresh_token", "unsigned", "foreign key", "issuer", "typ", "no exp"])
def test_tokens_of_another_kind_are_refused(house: House, kind: str) -> None:
    """Only an access token that we signed for this purpose counts."""
    browser = house.browser()
    tokens = browser.tokens()
    header, claims = header_of(tokens["access_token"]), claims_of(tokens["access_token"])
    token = {
        "id_token": tokens["id_token"],
        "refresh_token": tokens["refresh_token"],
        "unsigned": forge(header | {"alg": "none"}, claims),
        "foreign key": forge(header, claims),
        "issuer": sign(house, claims | {"iss": ISSUER + "/"}, typ="at+jwt"),
        "typ": sign(house, claims, typ="logout+jwt"),
        "no exp": sign(house, {k: v for k, v in claims.items() if k != "exp"}, typ="at+jwt"),
    }[kind]
    with unchanged(house):
        assert_challenged(browser.userinfo(token), "invalid_token")
        assert kind == "refresh_token" or browser.introspect(token) == {"active": False}


@pytest.mark.case("UI-18")
def test_answer_to_random_tokens_is_constant(house: House) -> None:
    """However many tokens are tried, each gets the same answer."""
    browser = house.browser()
    good = browser.tokens()["access_token"]
    tried = [good[:-number] + "A" * number for number in range(5, 105)]
    assert len({browser.userinfo(token).text for token in tried}) == 1
    assert {str(browser.introspect(token)) for token in tried} == {"{'active': False}"}
