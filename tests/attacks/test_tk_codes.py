"""TK: the authorization code: single use, short-lived, and bound to client, redirect URI and verifier (R4, R5, R6)."""

import pytest

from idp.accounts.accounts import disable_account, enable_account, set_password
from idp.randomness import digest
from idp.specs.authorization_code import KIND
from tests.accounts.world import at_once
from tests.attacks.cases import case
from tests.attacks.oracle import ISSUED, assert_challenged, assert_refused, audited, unchanged
from tests.provider import CHALLENGE, VERIFIER, House


def strip_challenge(house: House, code: str) -> None:
    """Take the challenge off a stored code, as a request without one would have left it."""
    with house.storage.begin() as uow:
        artifact = uow.artifacts.find(KIND, digest(code))
        assert artifact is not None
        payload = dict(artifact.payload) | {"carried": {"nonce": ["n-0"]}}
        assert uow.artifacts.update(KIND, digest(code), payload, house.clock.now())


@pytest.mark.case("TK-01")
@pytest.mark.parametrize("scope", ["openid", "openid offline_access"])
def test_replayed_code_ends_all_that_came_from_it(house: House, scope: str) -> None:
    """The second use of a code is refused, and the tokens of the first are dead from then on, refreshed ones too."""
    browser = house.browser()
    code = browser.code_flow(scope=scope)["code"]
    tokens = browser.exchange(code).json()
    newer = browser.refresh(tokens["refresh_token"]).json()
    assert_refused(browser.exchange(code), "invalid_grant")
    for found in (tokens, newer):
        assert browser.introspect(found["access_token"]) == {"active": False}
        assert browser.introspect(found["refresh_token"]) == {"active": False}
        assert_challenged(browser.userinfo(found["access_token"]), "invalid_token")
    assert_refused(browser.refresh(newer["refresh_token"]), "invalid_grant")
    assert "code.replayed" in audited(house)


@pytest.mark.case("TK-01")
def test_replay_by_someone_else_ends_it_too(house: House) -> None:
    """A thief who is too late gives himself away: the honest client's tokens end, for he may have more."""
    browser = house.browser()
    code = browser.code_flow()["code"]
    tokens = browser.exchange(code).json()
    assert_refused(browser.exchange(code, "evil"), "invalid_grant")
    assert browser.introspect(tokens["access_token"]) == {"active": False}


@pytest.mark.case("TK-01")
def test_code_redeemed_by_many_at_once_works_once(house: House) -> None:
    """Of 32 redemptions at the same moment one succeeds; the others are replays, so what it got is dead."""
    browser = house.browser()
    code = browser.code_flow()["code"]
    clients = [house.browser() for _ in range(32)]
    answers = at_once(32, lambda number: clients[number].exchange(code))
    found = [answer for answer in answers if not isinstance(answer, Exception)]
    assert len(found) == 32
    (won,) = [answer for answer in found if answer.status_code == 200]
    for answer in found:
        if answer is not won:
            assert_refused(answer, "invalid_grant")
    assert browser.introspect(won.json()["access_token"]) == {"active": False}
    assert_refused(browser.refresh(won.json()["refresh_token"]), "invalid_grant")


@pytest.mark.case("TK-03")
def test_code_of_another_client_is_refused_and_burnt(house: House) -> None:
    """A client cannot redeem another one's code with its own secret; the act is audited and the code is spent."""
    browser = house.browser()
    code = browser.code_flow()["code"]
    with unchanged(house, *ISSUED):
        assert_refused(browser.exchange(code, "evil"), "invalid_grant")
        assert "code.misused" in audited(house)
        assert_refused(browser.exchange(code), "invalid_grant")


@pytest.mark.case("TK-04")
def test_code_of_a_confidential_client_at_a_public_one(house: House) -> None:
    """The same redirect URI and the right verifier do not make up for the wrong client."""
    house.add_client("twin", token_endpoint_auth_method="none")
    browser = house.browser()
    code = browser.code_flow()["code"]
    with unchanged(house, *ISSUED):
        assert_refused(browser.exchange(code, "twin", secret=None), "invalid_grant")


@pytest.mark.parametrize(
    "more",
    [
        case("TK-05", {"redirect_uri": None}),
        case("TK-05", {"redirect_uri": ""}),
        case("TK-05", {"redirect_uri": "https://rp.example/two"}),
        case("TK-05", {"redirect_uri": "https://rp.example/cb/"}),
        case("TK-05", {"redirect_uri": "https://RP.example/cb"}),
        case("TK-08", {"code_verifier": None}),
        case("TK-08", {"code_verifier": ""}),
        case("TK-08", {"code_verifier": "v" * 42}),
        case("TK-08", {"code_verifier": "v" * 129}),
        case("TK-08", {"code_verifier": VERIFIER + "\n"}),
        case("TK-08", {"code_verifier": CHALLENGE}),
        case("TK-08", {"code_verifier": "ü" * 43}),
        case("TK-08", {"code_verifier": "v" * 42 + "+"}),
        case("TK-08", {"code_verifier": " " + VERIFIER}),
        case("TK-08", {"code_verifier": VERIFIER.upper()}),
    ],
)
def test_every_binding_of_a_code_must_hold(house: House, more: dict[str, str | None]) -> None:
    """A code with a wrong or missing redirect URI or verifier gives nothing, and is burnt by the try."""
    house.add_client("two", redirect_uris=["https://rp.example/cb", "https://rp.example/two"])
    browser = house.browser()
    code = browser.code_flow("two")["code"]
    with unchanged(house, *ISSUED):
        assert_refused(browser.exchange(code, "two", **more), "invalid_grant", "invalid_request")
        assert_refused(browser.exchange(code, "two"), "invalid_grant")


@pytest.mark.case("TK-06")
@pytest.mark.parametrize(("seconds", "status"), [(59, 200), (60, 400), (61, 400), (86_400 * 2, 400)])
def test_code_lives_a_minute(house: House, seconds: int, status: int) -> None:
    """A code is good for less than sixty seconds."""
    browser = house.browser()
    code = browser.code_flow()["code"]
    house.clock.move(seconds)
    assert browser.exchange(code).status_code == status


@pytest.mark.case("TK-07")
def test_wrong_verifier_burns_the_code(house: House) -> None:
    """A verifier cannot be guessed: the first wrong one spends the code, so twenty do not help."""
    browser = house.browser()
    code = browser.code_flow()["code"]
    with unchanged(house, *ISSUED):
        for number in range(20):
            assert_refused(browser.exchange(code, code_verifier=f"{number:043}"), "invalid_grant")
        assert_refused(browser.exchange(code), "invalid_grant")


@pytest.mark.case("TK-09")
def test_verifier_without_a_challenge_is_refused(house: House) -> None:
    """Should a code ever have been issued without a challenge, then no verifier makes it good (RFC 9700 §4.8.2)."""
    browser = house.browser()
    code = browser.code_flow()["code"]
    strip_challenge(house, code)
    with unchanged(house, *ISSUED):
        assert_refused(browser.exchange(code), "invalid_grant", "invalid_request")


@pytest.mark.case("TK-10")
@pytest.mark.parametrize("act", ["disable", "disable and enable", "password", "sign out"])
def test_access_taken_before_the_code_is_redeemed(house: House, act: str) -> None:
    """What happens to the account between code and token wins over the code."""
    browser = house.browser()
    code = browser.code_flow(scope="openid offline_access")["code"]
    with house.storage.begin() as uow:
        account = uow.accounts.find_by_name("alice")
        assert account is not None
        now, sessions = house.clock.now(), house.server.sessions
        if act.startswith("disable"):
            disabled = disable_account(uow, sessions, account, now)
            if act.endswith("enable"):
                enable_account(uow, disabled, now)
        elif act == "password":
            set_password(uow, sessions, account, house.passwords.hash("another password"), now)
        else:
            sessions.end_all(uow, account.account_id, now)
    with unchanged(house, *ISSUED):
        assert_refused(browser.exchange(code), "invalid_grant")


@pytest.mark.case("TK-12")
@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("", 400),
        ("x", 400),
        ("' OR 1=1--", 400),
        ("\0", 400),
        ("😀", 400),
        ('{"a": 1}', 400),
        ("x" * 20_000, 400),
        ("x" * 1_000_000, 413),
    ],
)
def test_code_that_is_none(house: House, code: str, status: int) -> None:
    """Whatever is sent as a code: it is refused, and nothing changes."""
    with unchanged(house):
        assert_refused(house.browser().exchange(code), "invalid_grant", "invalid_request", status=status)
