"""The whole journey on the wire: sign in, tokens, UserInfo, refresh, sign out."""

from tests.provider import House, claims_of


def test_one_sign_in_gives_tokens(house: House) -> None:
    """A sign-in ends in an ID Token and an access token that UserInfo takes."""
    browser = house.browser()
    tokens = browser.tokens(scope="openid profile email roles")
    id_token, access = claims_of(tokens["id_token"]), claims_of(tokens["access_token"])
    assert id_token["nonce"] == "n-0"
    assert access["roles"] == ["customer"]
    info = browser.userinfo(tokens["access_token"])
    assert info.status_code == 200, info.text
    assert info.json()["sub"] == id_token["sub"]
    assert info.json()["name"] == "Alice Example"
