"""OIDC Core §5.2: claims in several languages, chosen by `claims_locales` or one by one."""

import json
from typing import Any

import pytest

from tests.provider import House, claims_of, response_params
from tests.specs.test_multiple_response_types import add_legacy, flow, fragment_of

CLAIMS = {
    "name": "Akiko Example",
    "name#ja-Hani-JP": "例 明子",
    "name#ja-Kana-JP": "レイ アキコ",
    "name#de-CH": "Akiko Beispiel",
    "family_name": "Example",
    "family_name#fr": "Exemple",
    "website": "https://akiko.example/",
    "website#de": "https://akiko.example/de",
    "gender#de": "weiblich",
    "birthdate": "1990-01-31",
}
PLAIN = {name: value for name, value in CLAIMS.items() if "#" not in name}
ALWAYS = {"preferred_username": "akiko", "updated_at": 1_800_000_000}


@pytest.fixture
def akiko(house: House) -> House:
    """The provider with an account that is known in several languages."""
    house.add_account("akiko", claims=CLAIMS)
    return house


def ask(house: House, client_id: str = "web", scope: str = "openid profile", **more: Any) -> dict[str, Any]:
    """Return what UserInfo says beyond `sub`, at first and after a refresh, which must agree."""
    browser = house.browser()
    tokens = browser.tokens(client_id, username="akiko", scope=scope, **more)
    later = browser.refresh(tokens["refresh_token"], client_id).json()
    first, second = (browser.userinfo(answer["access_token"]).json() for answer in (tokens, later))
    assert first == second
    assert first.pop("sub") == claims_of(tokens["id_token"])["sub"]
    found: dict[str, Any] = first
    return found


@pytest.mark.requirement("OIDC Core 1.0", "5.2")
@pytest.mark.parametrize(
    ("locales", "changed"),
    [
        # One language: its claims without tags, where there are any.
        ("de", {"name": "Akiko Beispiel", "website": "https://akiko.example/de", "gender": "weiblich"}),
        ("de-CH", {"name": "Akiko Beispiel", "website": "https://akiko.example/de", "gender": "weiblich"}),
        ("DE-ch", {"name": "Akiko Beispiel", "website": "https://akiko.example/de", "gender": "weiblich"}),
        ("de-AT", {"website": "https://akiko.example/de", "gender": "weiblich"}),
        ("ja-Kana-JP", {"name": "レイ アキコ"}),
        ("ja", {"name": "例 明子"}),
        ("ja-Kana", {"name": "レイ アキコ"}),
        ("fr-CA", {"family_name": "Exemple"}),
        # None of them is held, and none of these is an error.
        ("se", {}),
        ("zz-ZZ", {}),
        ("*", {}),
        ("de_DE not#a-tag 7 -", {}),
        ("j", {}),
        ("d", {}),
        # Several: beside the usual form, with their tags.
        ("ja-Kana-JP fr", {"name#ja-Kana-JP": "レイ アキコ", "family_name#fr": "Exemple"}),
        ("fr ja-Hani ja-Kana", {k: CLAIMS[k] for k in ("family_name#fr", "name#ja-Hani-JP", "name#ja-Kana-JP")}),
        ("de se", {k: CLAIMS[k] for k in ("name#de-CH", "website#de", "gender#de")}),
    ],
)
def test_claims_locales_choose(akiko: House, locales: str, changed: dict[str, str]) -> None:
    """The best match for each claim; what no language has stays as it is usually written."""
    assert ask(akiko, claims_locales=locales) == PLAIN | ALWAYS | changed


def test_without_claims_locales_nothing_is_tagged(akiko: House) -> None:
    """A client that knows no languages sees none."""
    assert ask(akiko) == PLAIN | ALWAYS


@pytest.mark.requirement("OIDC Core 1.0", "5.5.2")
@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("name", {"name": "Akiko Example"}),
        ("name#ja-Kana-JP", {"name#ja-Kana-JP": "レイ アキコ"}),
        ("name#JA-kana-jp", {"name#ja-Kana-JP": "レイ アキコ"}),
        ("name#de", {"name#de-CH": "Akiko Beispiel"}),
        ("website#de-AT", {"website#de": "https://akiko.example/de"}),
        ("name#se", {}),
        ("name#", {}),
        ("name#de_CH", {}),
        ("name#ja-Kana-JP#x", {}),
        ("birthdate#de", {}),
        ("#de", {}),
        ("sub#de", {}),
    ],
)
def test_single_claims_in_a_language(akiko: House, name: str, given: dict[str, str]) -> None:
    """By the `claims` parameter, in UserInfo and in the ID Token, each under the tag that it is held by."""
    assert ask(akiko, scope="openid", claims=json.dumps({"userinfo": {name: None}})) == given
    browser = akiko.browser()
    tokens = browser.tokens(username="akiko", scope="openid", claims=json.dumps({"id_token": {name: None}}))
    claims = claims_of(tokens["id_token"])
    assert {key: value for key, value in claims.items() if key in CLAIMS} == given


def test_claims_locales_count_for_single_claims_too(akiko: House) -> None:
    """What was named without a language comes in the one asked for, what was named with one in that."""
    asked = json.dumps({"userinfo": {"name": None, "family_name#fr": {"essential": True}}})
    assert ask(akiko, scope="openid", claims=asked, claims_locales="de") == {
        "name": "Akiko Beispiel",
        "family_name#fr": "Exemple",
    }


@pytest.mark.requirement("OIDC Core 1.0", "5.4")
def test_id_token_without_userinfo_speaks_the_language_too(akiko: House) -> None:
    """Where the scopes' claims have nowhere else to go."""
    add_legacy(akiko)
    browser = akiko.browser()
    request = browser.authorize("legacy", response_type="id_token", scope="openid profile", claims_locales="de")
    claims = claims_of(fragment_of(browser.sign_in(browser.follow(request), "akiko"))["id_token"])
    assert claims["name"] == "Akiko Beispiel"


def test_a_tag_is_no_way_around_consent_or_scope(akiko: House) -> None:
    """`name#de` belongs to the scope of `name` (R5)."""
    browser = akiko.browser()
    browser.code_flow("third", scope="openid")
    wish = json.dumps({"userinfo": {"name#de": None}})
    page = browser.follow(browser.authorize("third", scope="openid", claims=wish))
    assert "See your profile" in page.text
    silent = browser.authorize("third", scope="openid", claims=wish, prompt="none")
    assert response_params(silent)["error"] == "consent_required"
    akiko.add_client("narrow", scope="openid")
    assert ask(akiko, "narrow", scope="openid", claims=wish, claims_locales="de") == {}


@pytest.mark.parametrize("locales", ["de " * 5_000, "x-" * 5_000, "a-" + "b" * 10_000, "\x7f", "ü", "de\tfr"])
def test_hostile_locales_cost_nothing(house: House, locales: str) -> None:
    """Never an error, however long."""
    assert "code" in house.browser().code_flow(claims_locales=locales)


def test_hybrid_flow_carries_the_languages_to_its_code(akiko: House) -> None:
    """Both grants of one request remember them."""
    add_legacy(akiko)
    members = fragment_of(flow(akiko, response_type="code token", scope="openid profile", claims_locales="se"))
    later = akiko.browser().exchange(members["code"], "legacy", code_verifier=None).json()
    for token in (members["access_token"], later["access_token"]):
        assert akiko.browser().userinfo(token).json()["name"] == "Alice Example"
