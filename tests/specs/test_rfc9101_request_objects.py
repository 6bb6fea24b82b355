"""RFC 9101 and OIDC Core section 6: request objects by value, accepted and refused."""

import json
import re
from typing import Any

import httpx2
import pytest
from joserfc.jwk import OctKey, RSAKey

from idp.accounts.clients import disable_client
from idp.protocol.errors import InvalidClientMetadata
from tests.attacks.oracle import assert_page, assert_redirected, unchanged
from tests.provider import API, ISSUER, SECRET, Browser, House, claims_of, response_params
from tests.request_objects import (
    CALLBACK,
    ask,
    encrypt,
    hmac_signed,
    jwks,
    key_for,
    members,
    providers_key,
    register,
    sign,
    unsigned,
)

ALGS = ("RS256", "PS256", "ES256", "EdDSA")
OLD: dict[str, Any] = {
    "profile": "oidc_legacy",
    "response_types": ["code", "code id_token"],
    "grant_types": ["authorization_code", "implicit"],
}
OUTSIDE = {"response_type": "code", "scope": "openid"}


def finish(browser: Browser, response: httpx2.Response) -> dict[str, str]:
    """Sign in as far as needed and return the authorization response."""
    page = browser.follow(response)
    if 'id="login-submit"' in page.text:
        page = browser.sign_in(page)
    if 'id="consent-allow"' in page.text:
        page = browser.submit(page, action="allow")
    return response_params(page)


def assert_accepted(house: House, token: str, **outside: Any) -> None:
    """Expect a code at the client in the end."""
    browser = house.browser()
    assert "code" in finish(browser, ask(browser, token, **outside))


def assert_object_refused(house: House, token: str, **outside: Any) -> None:
    """Expect the refusal of a request object at the client, and nothing stored."""
    with unchanged(house):
        assert_redirected(ask(house.browser(), token, **outside), "invalid_request_object")


def each(name: str, *values: Any) -> list[tuple[str, Any]]:
    """Return variants of one member."""
    return [(name, value) for value in values]


@pytest.mark.requirement("RFC 9101", "5")
@pytest.mark.parametrize("alg", ALGS)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_signed_request_alone_is_enough(house: House, alg: str, method: str) -> None:
    """`client_id` and the object, and the whole flow goes by what is inside."""
    register(house, jwks=jwks(*ALGS))
    browser = house.browser()
    token = sign(members(), alg)
    answer = finish(browser, ask(browser, token, method, redirect_uri=None, state=None))
    assert answer["state"] == "inside"
    tokens = browser.exchange(answer["code"], "jar").json()
    assert claims_of(tokens["id_token"])["nonce"] == "n-inside"


@pytest.mark.requirement("RFC 9101", "6.3")
def test_what_stands_outside_does_not_count(house: House) -> None:
    """Under the strict profile nothing is taken from the query, be it there inside or not."""
    register(house)
    browser = house.browser()
    outside = {"redirect_uri": "https://evil.example/cb", "state": "outside", "scope": "profile", "prompt": "none"}
    outside |= {"response_type": "token", "nonce": "outside"}
    token = sign(members(state=None, nonce=None))
    answer = finish(browser, ask(browser, token, **outside))
    assert "state" not in answer
    tokens = browser.exchange(answer["code"], "jar").json()
    assert tokens["scope"] == "openid"
    assert "nonce" not in claims_of(tokens["id_token"])


@pytest.mark.requirement("RFC 9101", "6.3")
def test_pkce_outside_does_not_count(house: House) -> None:
    """What the strict profile requires must be inside; the refusal has the state of the inside."""
    register(house)
    bare = sign(members(code_challenge=None, code_challenge_method=None))
    with unchanged(house):
        refused = ask(house.browser(), bare, code_challenge=members()["code_challenge"], code_challenge_method="S256")
        assert_redirected(refused, "invalid_request", state="inside")


def test_refusals_after_the_object_go_where_it_says(house: House) -> None:
    """prompt=none inside is answered at the inner redirect URI, with the inner state."""
    register(house)
    with unchanged(house):
        refused = ask(house.browser(), sign(members(prompt="none")), redirect_uri="https://evil.example/cb")
        assert_redirected(refused, "login_required", state="inside")


def test_inner_redirect_uri_must_be_registered(house: House) -> None:
    """A good one outside does not help."""
    register(house)
    with unchanged(house):
        assert_page(ask(house.browser(), sign(members(redirect_uri="https://evil.example/cb"))))


@pytest.mark.requirement("OIDC Core 1.0", "6.1")
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_older_dialect_adds_what_the_object_lacks(house: House, method: str) -> None:
    """As the conformance suite sends it: state and nonce only inside, the rest outside."""
    register(house, **OLD)
    browser = house.browser()
    token = sign({"state": "inside", "nonce": "n-inside", "iss": "jar", "aud": ISSUER})
    answer = finish(browser, ask(browser, token, method, **OUTSIDE))
    assert answer["state"] == "inside"
    tokens = browser.exchange(answer["code"], "jar", code_verifier=None).json()
    assert claims_of(tokens["id_token"])["nonce"] == "n-inside"


@pytest.mark.requirement("OIDC Core 1.0", "6.1")
def test_older_dialect_what_is_inside_wins(house: House) -> None:
    """The redirect URI inside is used although the outer one is wrong; so are state and scope."""
    register(house, **OLD)
    browser = house.browser()
    token = sign(members(scope="openid email", code_challenge=None, code_challenge_method=None))
    answer = finish(browser, ask(browser, token, **OUTSIDE, redirect_uri="https://rp.example/wrong"))
    assert answer["state"] == "inside"
    tokens = browser.exchange(answer["code"], "jar", code_verifier=None).json()
    assert tokens["scope"] == "openid email"


@pytest.mark.requirement("OIDC Core 1.0", "6.1")
def test_older_dialect_response_types_must_agree(house: House) -> None:
    """The order of words is of no meaning, another word is."""
    register(house, **OLD)
    browser = house.browser()
    agreeing = ask(
        browser, sign(members(response_type="id_token code")), **OUTSIDE | {"response_type": "code id_token"}
    )
    assert "code=" in browser.sign_in(browser.follow(agreeing)).headers["location"]
    assert_object_refused(house, sign(members(response_type="code id_token")), **OUTSIDE)


def test_older_dialect_without_response_type_is_rfc_9101(house: House) -> None:
    """Then only what is inside counts, for old clients as well."""
    register(house, **OLD)
    browser = house.browser()
    answer = finish(browser, ask(browser, sign(members(state=None)), scope="openid email"))
    assert "state" not in answer
    assert browser.exchange(answer["code"], "jar").json()["scope"] == "openid"


@pytest.mark.requirement("RFC 9101", "4")
def test_members_that_are_no_texts(house: House) -> None:
    """max_age is a number, claims an object, resource a list."""
    register(house, scope="openid email api.read")
    browser = house.browser()
    claims = {"id_token": {"email": {"essential": True}}}
    token = sign(members(max_age=0, claims=claims, resource=[API, ISSUER], scope="openid api.read"))
    finish(browser, ask(browser, token))
    house.clock.move(5)
    page = browser.follow(ask(browser, token))
    assert 'id="login-submit"' in page.text  # max_age has passed
    answer = response_params(browser.sign_in(page))
    tokens = browser.exchange(answer["code"], "jar", resource=API).json()
    assert claims_of(tokens["access_token"])["aud"] == API
    assert claims_of(tokens["id_token"])["email"] == "alice@example.org"


def test_members_as_texts_count_too(house: House) -> None:
    """Many libraries make texts of all, as in a query; members of other kinds are ignored."""
    register(house)
    more = {"max_age": "3600", "claims": '{"userinfo":null}', "resource": API, "x": [{}], "jti": "1", "prompt": ""}
    assert_accepted(house, sign(members() | more))


@pytest.mark.requirement("RFC 9101", "4")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        *each("max_age", True, 1.5, [], {}, float("inf")),
        *each("redirect_uri", [CALLBACK], {}, 1.5),
        *each("state", False, ["x"], {}, "a\x00b", "\ud800"),
        *each("claims", True, 2.5, "\x00"),
        *each("resource", {}, [1.5], [[API]], [API, None]),
        *each("scope", ["openid"], ["openid", "email"]),
        *each("request", "x", "", None, {}),
        *each("request_uri", "https://rp.example/r", ""),
    ],
)
def test_members_that_are_refused(house: House, name: str, value: object) -> None:
    """Lists and objects where a text is due, truth values, fractions, NUL, half characters, objects within."""
    register(house)
    assert_object_refused(house, sign(members() | {name: value}))


@pytest.mark.parametrize(("name", "value"), [("state", None), ("max_age", None), ("redirect_uri", None)])
def test_null_is_no_text(house: House, name: str, value: object) -> None:
    """A null is neither absent nor empty."""
    register(house)
    assert_object_refused(house, sign(members() | {name: value}))


def test_faults_of_parameters_keep_their_names(house: House) -> None:
    """What a plain request would be refused for is told as there, at the client."""
    register(house)
    faults = {"max_age": (-1, "invalid_request"), "claims": ([], "invalid_request"), "prompt": ("x", "invalid_request")}
    faults |= {"resource": ("v1", "invalid_target"), "registration": ({}, "registration_not_supported")}
    for name, (value, error) in faults.items():
        with unchanged(house):
            assert_redirected(ask(house.browser(), sign(members() | {name: value})), error, state="inside")


@pytest.mark.requirement("RFC 9101", "6.2")
@pytest.mark.parametrize("typ", [None, "JWT", "jwt", "oauth-authz-req+jwt", "application/oauth-authz-req+JWT"])
def test_types_of_request_objects(house: House, typ: str | None) -> None:
    """None, JWT, and the one of RFC 9101 section 10.8."""
    register(house)
    assert_accepted(house, sign(members(), typ=typ))


@pytest.mark.case("AZ-56")
@pytest.mark.parametrize("typ", ["at+jwt", "id_token+jwt", "logout+jwt", "client-authentication+jwt", "dpop+jwt", ""])
def test_types_of_other_purposes(house: House, typ: str) -> None:
    """A JWT that says it is something else is no request object."""
    register(house)
    assert_object_refused(house, sign(members(), typ=typ))


@pytest.mark.requirement("RFC 9101", "4")
@pytest.mark.parametrize("aud", [ISSUER, [ISSUER], ["https://other.example", ISSUER]])
def test_claims_that_bind_are_welcome(house: House, aud: object) -> None:
    """iss, aud and times, as libraries send them; also with fractions, and within the skew."""
    register(house)
    now = house.clock.now()
    bound = members(iss="jar", aud=aud, iat=now + 25.5, nbf=now + 30, exp=now + 86_400, jti="1", sub="someone")
    assert_accepted(house, sign(bound))
    assert_accepted(house, sign(bound))  # a reload


@pytest.mark.case("AZ-56")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        *each("client_id", "web", "", "JAR", 7, None, ["jar"]),
        *each("iss", "web", "", ISSUER, None, ["jar"]),
        *each("aud", "https://other.example", f"{ISSUER}/", "", None, 7, [], {}, {ISSUER: 1}, [ISSUER, 7]),
        *each("sub", "jar"),
    ],
)
def test_parties_that_do_not_fit(house: House, name: str, value: object) -> None:
    """Of another client, for another server, or a client assertion."""
    register(house)
    assert_object_refused(house, sign(members() | {name: value}))


@pytest.mark.case("AZ-56", "JO-14")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        *each("exp", 0, -1, 1_799_999_999, 1_800_000_000),
        *each("nbf", 1_800_000_031, 1e308),
        *each("iat", 1_800_000_031, -1, 1_900_000_000),
        *(variant for name in ("exp", "nbf", "iat") for variant in each(name, "1900000000", True, None, [], {}, -5)),
        *(variant for name in ("exp", "nbf", "iat") for variant in each(name, float("nan"), float("inf"), 1e308)),
    ],
)
def test_times_that_do_not_fit(house: House, name: str, value: object) -> None:
    """Expired, not valid yet, and what is no instant at all."""
    register(house)
    assert_object_refused(house, sign(members() | {name: value}))


@pytest.mark.case("AZ-56")
def test_signed_by_others(house: House) -> None:
    """By a stranger, by another client, and by us."""
    register(house)
    register(house, "other", jwks=jwks("RS256", owner="other"))
    for owner in ("stranger", "other"):
        assert_object_refused(house, sign(members(), key=key_for("RS256", owner)))
    assert_object_refused(house, house.server.tokens.sign(members(), typ="JWT"))
    theirs = sign(members("other"), key=key_for("RS256", "other"))
    assert_object_refused(house, theirs)
    assert_accepted(house, theirs, client_id="other")


def test_operator_finds_why(house: House) -> None:
    """The client is told what to look at, the audit what was wrong."""
    register(house)
    ask(house.browser(), sign(members(), key=key_for("RS256", "stranger")))
    with house.storage.snapshot() as uow:
        (event,) = (event for event in uow.audit.list(limit=1000) if event.name == "authorization.refused")
    assert (event.result, event.client_id) == ("invalid_request_object", "jar")
    assert event.details == {"reason": "the signature does not match"}


def test_tokens_of_ours_are_no_request_objects(house: House) -> None:
    """Not even where a client registers our keys for its own."""
    browser = house.browser()
    ours = [key for key in browser.get("/.well-known/jwks.json").json()["keys"] if key["use"] == "sig"]
    register(house, jwks={"keys": ours}, redirect_uris=[CALLBACK])
    tokens = browser.exchange(browser.code_flow("jar")["code"], "jar").json()
    for name in ("id_token", "access_token"):
        assert_object_refused(house, tokens[name])


def test_client_without_keys(house: House) -> None:
    """Nobody can sign for it."""
    for token in (
        sign(members("web")),
        unsigned(members("web")),
        sign(members("web"), "HS256", OctKey.import_key(SECRET)),
    ):
        assert_object_refused(house, token, client_id="web")


@pytest.mark.requirement("OIDC Dynamic Client Registration 1.0", "2")
def test_registered_algorithm_is_the_only_one(house: House) -> None:
    """With keys for all, only what was registered counts."""
    register(house, jwks=jwks(*ALGS), request_object_signing_alg="ES256")
    assert_accepted(house, sign(members(), "ES256"))
    for alg in ("RS256", "PS256", "EdDSA"):
        assert_object_refused(house, sign(members(), alg))


@pytest.mark.requirement("OIDC Core 1.0", "10.1")
def test_secret_signs_where_it_was_registered(house: House) -> None:
    """HS256 with the client's secret; not with another, not with its public key, and not unless registered."""
    secret = OctKey.import_key(SECRET)
    register(house, request_object_signing_alg="HS256")
    assert_accepted(house, sign(members(), "HS256", secret))
    assert_object_refused(house, sign(members(), "HS256", OctKey.import_key("x" * 43)))
    assert_object_refused(house, sign(members(), "HS512", secret))
    assert_object_refused(house, sign(members()))
    register(house, "keyed")
    assert_object_refused(house, sign(members("keyed"), "HS256", secret), client_id="keyed")
    for form in (key_for("RS256").as_pem(private=False), json.dumps(jwks("RS256")["keys"][0]).encode()):
        assert_object_refused(house, hmac_signed(members(), form))
        assert_object_refused(house, hmac_signed(members("keyed"), form), client_id="keyed")


@pytest.mark.requirement("OIDC Core 1.0", "6.1")
@pytest.mark.parametrize("more", [{}, {"request_object_signing_alg": "none"}])
def test_unsigned_for_older_clients(house: House, more: dict[str, Any]) -> None:
    """Who registered none, or nothing, under the profile that admits it."""
    register(house, **OLD, **more)
    assert_accepted(house, unsigned(members()), **OUTSIDE)
    assert_object_refused(house, unsigned(members()) + "AA", **OUTSIDE)
    assert_object_refused(house, unsigned(members(client_id="web")), **OUTSIDE)
    if more:
        assert_object_refused(house, sign(members()), **OUTSIDE)


@pytest.mark.case("AZ-56", "JO-01")
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"request_object_signing_alg": "none"},
        {**OLD, "request_object_signing_alg": "RS256"},
        {**OLD, "require_signed_request_object": True},
    ],
)
def test_unsigned_is_refused_of_others(house: House, more: dict[str, Any]) -> None:
    """Under the strict profile always; elsewhere where a signature was registered."""
    register(house, **more)
    bound = members(iss="jar", aud=ISSUER, exp=house.clock.now() + 60)
    assert_object_refused(house, unsigned(bound), **OUTSIDE)


@pytest.mark.requirement("RFC 9101", "10.5")
def test_client_that_must_sign(house: House) -> None:
    """Neither a plain request nor one that is not bound to it, to us and to an hour."""
    register(house, **OLD, require_signed_request_object=True)
    browser = house.browser()
    now = house.clock.now()
    bound = members(iss="jar", aud=ISSUER, exp=now + 3_600)
    answer = finish(browser, ask(browser, sign(bound), **OUTSIDE, prompt="none"))
    assert answer["state"] == "inside"
    for name in ("iss", "aud", "exp", "client_id"):
        assert_object_refused(house, sign({n: v for n, v in bound.items() if n != name}), **OUTSIDE)
    assert_object_refused(house, sign(bound | {"exp": now + 3_631}), **OUTSIDE)
    with unchanged(house):
        assert_redirected(browser.authorize("jar"), "invalid_request")
        assert_page(browser.authorize("jar", redirect_uri="https://evil.example/cb"))


def test_page_of_a_signed_request_that_is_over(house: House) -> None:
    """It cannot be begun again here, so the page sends the person back; another client's leads on."""
    register(house, require_signed_request_object=True)
    register(house, "free")
    for client_id in ("jar", "free"):
        browser = house.browser()
        bound = members(client_id, iss=client_id, aud=ISSUER, exp=house.clock.now() + 60)
        page = browser.follow(ask(browser, sign(bound), client_id=client_id))
        house.clock.move(house.server.settings.lifetimes.interaction_seconds)
        over = browser.get(str(page.url))
        assert_page(over)
        assert ('id="continue"' in over.text) == (client_id == "free")
        assert ("Go back to the application and start again." in over.text) == (client_id == "jar")
    again = browser.get(over.text.partition('id="continue" href="')[2].partition('"')[0].replace("&amp;", "&"))
    assert response_params(browser.sign_in(browser.follow(again)))["state"] == "inside"


ENCRYPTIONS = [
    ("RSA-OAEP-256", "A128CBC-HS256", "RSA"),
    ("RSA-OAEP-256", "A256GCM", "RSA"),
    ("ECDH-ES", "A128GCM", "EC"),
    ("ECDH-ES+A128KW", "A256CBC-HS512", "EC"),
    ("ECDH-ES+A256KW", "A128CBC-HS256", "EC"),
]


@pytest.mark.requirement("RFC 9101", "6.1")
@pytest.mark.parametrize(("alg", "enc", "kty"), ENCRYPTIONS)
def test_signed_then_encrypted(house: House, alg: str, enc: str, kty: str) -> None:
    """With every algorithm that discovery lists, to the key that is published; registered or not."""
    key = providers_key(house, kty)
    register(house)
    register(house, "exact", request_object_encryption_alg=alg, request_object_encryption_enc=enc)
    for client_id in ("jar", "exact"):
        token = encrypt(sign(members(client_id)), key, alg, enc, kid=key.kid)
        assert_accepted(house, token, client_id=client_id)
    for plain in (sign(members("exact")), unsigned(members("exact"))):
        assert_object_refused(house, plain, client_id="exact")
    assert_accepted(house, encrypt(sign(members()), key, alg, enc, cty=None))


@pytest.mark.case("AZ-56", "JO-20")
def test_encrypted_requests_that_are_refused(house: House) -> None:
    """To another key, unsigned or foreign inside, twice, compressed, and not as registered."""
    key = providers_key(house)
    register(house, request_object_encryption_alg="RSA-OAEP-256")
    signed = sign(members())
    assert_accepted(house, encrypt(signed, key))
    other = RSAKey.generate_key(2048)
    for token in (
        encrypt(signed, other),
        encrypt(signed, other, kid=key.kid),
        encrypt(signed, key, kid="unknown"),
        encrypt(unsigned(members()), key),
        encrypt(json.dumps(members()), key, cty=None),
        encrypt("é", key),
        encrypt(sign(members(), key=key_for("RS256", "stranger")), key),
        encrypt(encrypt(signed, key), key),
        encrypt(signed, key, zip="DEF"),
        encrypt(signed, key, cty="json"),
        encrypt(signed, key, enc="A256GCM"),
        encrypt(signed, key, "RSA-OAEP"),
        encrypt(signed, providers_key(house, "EC"), "ECDH-ES"),
        encrypt(signed, key)[:-4] + "AAAA",
    ):
        assert_object_refused(house, token)


def test_request_and_request_uri_together(house: House) -> None:
    """One source, or none (RFC 9101 section 5)."""
    register(house, request_uris=["https://rp.example/r"])
    with unchanged(house):
        refused = ask(house.browser(), sign(members()), request_uri="https://rp.example/r")
        assert_redirected(refused, "invalid_request")
        twice = house.browser().get(f"/oauth2/authorize?client_id=jar&request={sign(members())}&request=x")
        assert_page(twice)


@pytest.mark.case("AZ-20")
def test_unknown_and_disabled_clients_look_alike(house: House) -> None:
    """With a request object as without one (R11)."""
    register(house)
    with house.storage.begin() as uow:
        client = uow.clients.find("jar")
        assert client is not None
        disable_client(uow, client, house.clock.now())
    pages = []
    for client_id in ("jar", "nobody"):
        for extra in ({"request": sign(members())}, {"request_uri": "https://rp.example/r"}, {}):
            refused = house.browser().authorize(client_id, **extra)
            assert_page(refused)
            # The choice of a language leads back to the page's own address.
            text = re.sub(r'action="[^"]*/language[^"]*"', "", refused.text)
            pages.append(text.replace(refused.headers["x-request-id"], ""))
    assert len(set(pages)) == 1


@pytest.mark.parametrize(
    "metadata",
    [
        *(
            {name: value}
            for name, value in each("request_uris", "https://rp.example/r", [7], {}, [""], ["https://"], ["/r"])
        ),
        *({"request_uris": [uri]} for uri in ("http://rp.example/r", "ftp://rp.example/r", "file:///etc/passwd")),
        *(
            {"request_uris": [uri]}
            for uri in ("https://u@rp.example/r", "https://rp.example/ r", "https://rp.exámple/")
        ),
        {"request_uris": ["http://127.0.0.1/r"]},
        {"request_uris": ["https://rp.example/" + "r" * 500]},
        {"request_uris": [f"https://rp.example/{number}" for number in range(101)]},
        *({"request_object_signing_alg": value} for value in ("HS1", "RS1", "", 7, ["RS256"], "None")),
        *({"request_object_encryption_alg": value} for value in ("RSA1_5", "RSA-OAEP", "dir", "A128KW", 7)),
        {"request_object_encryption_enc": "A256GCM"},
        {"request_object_encryption_alg": "ECDH-ES", "request_object_encryption_enc": "A192GCM"},
        *({name: value} for name, value in each("require_signed_request_object", "true", 1, 0, [])),
        {"require_signed_request_object": True, "request_object_signing_alg": "none"},
    ],
)
def test_metadata_that_is_refused(house: House, metadata: dict[str, Any]) -> None:
    """What cannot work, or is not safe, is told when the client is registered."""
    with pytest.raises(InvalidClientMetadata):
        house.server.registry.check_client_metadata(metadata, house.server.settings)


def test_metadata_that_is_accepted(house: House) -> None:
    """Fragments are versions; a content encryption has its default (OIDC Registration section 2)."""
    given = {"request_uris": ["https://rp.example/r#v1", "https://rp.example:8443/s?x=1"]}
    given |= {"request_object_encryption_alg": "ECDH-ES+A128KW"}  # type: ignore[dict-item]
    checked = house.server.registry.check_client_metadata(given, house.server.settings)
    assert checked["request_uris"] == ("https://rp.example/r#v1", "https://rp.example:8443/s?x=1")
    assert checked["request_object_encryption_enc"] == "A128CBC-HS256"
