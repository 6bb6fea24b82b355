"""What each member of the discovery document promises, a function a member: what is listed works, from end to end, and
what stands beside it is refused. A member without a line in `PROOFS` fails the walk in `test_oidc_discovery_members`.

A proof may also stand in a test of its own: `proven_by("test_module", "test_function")` names it.
"""

import base64
import importlib
import itertools
import json
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest
from joserfc import jws
from joserfc.jwk import OctKey

from idp.authentication.policy import MULTI_FACTOR_CLASS, PHISHING_RESISTANT_CLASS
from idp.jose.algorithms import ALGORITHMS, OwnKey
from idp.protocol.errors import InvalidClientMetadata
from tests.attacks.test_ss_backchannel import deliver
from tests.jose.conftest import forge
from tests.passkeys import give_passkey, options_of
from tests.provider import CHALLENGE, ISSUER, VERIFIER, Browser, House, claims_of, response_params
from tests.second_factors import give_app, next_code, send_code
from tests.specs.recipient import HASHES, KEYS, LONG_SECRET, decrypt, read_jws, signed_in
from tests.specs.test_frontchannel_logout import frames_of

Proof = Callable[[House, Any], None]

EVERY_TYPE = ("code", "id_token", "id_token token", "code id_token", "code token", "code id_token token")
# Algorithms that others know: what of them is not listed must be refused.
KNOWN_ALGORITHMS = (*ALGORITHMS, *HASHES, "none", "ES256K", "RS1", "Ed25519")
KNOWN_ENCRYPTION_ALGS = (
    *("RSA1_5", "RSA-OAEP", "RSA-OAEP-256", "RSA-OAEP-512", "A128KW", "dir", "A256GCMKW", "PBES2-HS256+A128KW"),
    *("ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A192KW", "ECDH-ES+A256KW"),
)
KNOWN_ENCRYPTION_ENCS = ("A128CBC-HS256", "A192CBC-HS384", "A256CBC-HS512", "A128GCM", "A192GCM", "A256GCM")
KNOWN_METHODS = (
    *("client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none"),
    *("tls_client_auth", "self_signed_tls_client_auth"),
)
ASSERTION = {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}
FULL_ACCOUNT = {
    **dict.fromkeys(("name", "family_name", "given_name", "middle_name", "nickname", "gender"), "x"),
    **dict.fromkeys(("profile", "picture", "website"), "https://full.example/"),
    "birthdate": "1990-01-31",
    "zoneinfo": "Europe/Paris",
    "locale": "fr",
    "email_verified": True,
    "phone_number": "+1 555 0100",
    "phone_number_verified": False,
    "address": {"country": "XX"},
}


def proven_by(module: str, function: str) -> Proof:
    """Return a proof that stands elsewhere; it must be there."""

    def prove(_house: House, _value: Any) -> None:
        assert callable(getattr(importlib.import_module(f"tests.specs.{module}"), function))

    return prove


@cache
def client_key(alg: str) -> OwnKey:
    """Return a client's key for an algorithm, made once."""
    return OwnKey.generate(ALGORITHMS[alg])


def unlisted(known: Iterable[str], listed: Iterable[str]) -> list[str]:
    """Return the neighbours of what is listed, of which there must be some."""
    listed = list(listed)
    assert listed
    assert len(set(listed)) == len(listed)
    neighbours = [one for one in known if one not in listed]
    assert neighbours
    return neighbours


def refuses(house: House, **metadata: Any) -> None:
    """Expect that no client can be registered so."""
    with pytest.raises(InvalidClientMetadata):
        house.server.registry.check_client_metadata(metadata, house.server.settings)


def answer_of(page: httpx2.Response) -> dict[str, str]:
    """Return an authorization response, from query or fragment."""
    parts = urlsplit(page.headers["location"])
    return dict(parse_qsl(parts.query or parts.fragment))


def sign_in_once(house: House, client_id: str, browser: Browser, **more: Any) -> dict[str, str]:
    """Return the authorization response; the browser signs in at its first one."""
    page = browser.follow(browser.authorize(client_id, **more))
    return answer_of(browser.sign_in(page) if 'id="login-submit"' in page.text else page)


def prove_issuer(house: House, value: Any) -> None:
    """It is the issuer of tokens and responses, byte for byte."""
    browser = house.browser()
    answer = browser.code_flow()
    assert answer["iss"] == value == ISSUER
    assert claims_of(browser.exchange(answer["code"]).json()["id_token"])["iss"] == value


def prove_url(house: House, value: Any) -> None:
    """Something answers there, under the issuer."""
    assert value.startswith(f"{ISSUER}/")
    browser = house.browser()
    assert 404 not in {browser.get(value).status_code, browser.post(value).status_code}


def prove_response_types(house: House, value: Any) -> None:
    """Each gives its parts to a client that registered it, in whatever order of words."""
    house.add_client("all", response_types=list(EVERY_TYPE), grant_types=["authorization_code", "implicit"])
    browser = house.browser()
    members = {"code": "code", "token": "access_token", "id_token": "id_token"}
    for kind in value:
        for words in itertools.permutations(kind.split()):
            answer = sign_in_once(house, "all", browser, response_type=" ".join(words))
            assert set(answer) & set(members.values()) == {members[word] for word in words}
    for kind in unlisted((*EVERY_TYPE, "token", "none", "code code"), value):
        refused = answer_of(browser.authorize("all", response_type=kind))
        assert refused["error"] == "unsupported_response_type"


def prove_response_modes(house: House, value: Any) -> None:
    """Each carries a code its own way."""
    browser = house.browser()
    browser.code_flow()
    for mode in value:
        page = browser.authorize(response_mode=mode)
        found = page.text if mode == "form_post" else page.headers["location"]
        assert {"query": "?code=", "fragment": "#code=", "form_post": 'name="code"'}[mode] in found
    for mode in unlisted(("query", "fragment", "form_post", "jwt", "query.jwt", "web_message"), value):
        assert response_params(browser.authorize(response_mode=mode))["error"] == "invalid_request"


def prove_grant_types(house: House, value: Any) -> None:
    """The token endpoint knows each; `implicit` has no token request, and gives its tokens in front."""
    browser = house.browser()
    for grant_type in value:
        if grant_type == "implicit":
            house.add_client("imp", response_types=["id_token"], grant_types=["implicit"])
            assert "id_token" in sign_in_once(house, "imp", browser, response_type="id_token")
        else:
            assert browser.token(grant_type=grant_type).json()["error"] != "unsupported_grant_type"
    device = "urn:ietf:params:oauth:grant-type:device_code"
    for grant_type in unlisted(("password", "implicit", device, "authorization-code"), value):
        assert browser.token(grant_type=grant_type).json()["error"] == "unsupported_grant_type"


_NUMBERS = itertools.count()


def make_assertion(house: House, client_id: str, alg: str) -> str:
    """Return a client assertion, made by joserfc where an HMAC is asked for."""
    now = house.clock.now()
    claims = {"iss": client_id, "sub": client_id, "aud": ISSUER, "jti": str(next(_NUMBERS)), "exp": now + 60}
    if alg in HASHES:
        key = OctKey.import_key(LONG_SECRET)
        return jws.serialize_compact({"alg": alg}, json.dumps(claims).encode(), key, algorithms=[alg])
    # An algorithm that there is not is signed by some key.
    own = client_key(alg if alg in ALGORITHMS else "RS256")
    return forge(own, {"alg": alg, "kid": own.kid}, claims)


def authenticate(house: House, path: str, client_id: str, method: str, alg: str = "") -> bool:
    """Tell whether a client gets beyond its authentication at an endpoint."""
    form: dict[str, str] = {"grant_type": "refresh_token", "refresh_token": "x", "token": "x"}
    headers = {}
    if method == "client_secret_basic":
        both = base64.b64encode(f"{client_id}:{LONG_SECRET}".encode()).decode()
        headers = {"authorization": f"Basic {both}"}
    elif method == "client_secret_post":
        form |= {"client_id": client_id, "client_secret": LONG_SECRET}
    elif method == "none":
        form |= {"client_id": client_id}
    elif method.endswith("_jwt"):
        form |= ASSERTION | {"client_assertion": make_assertion(house, client_id, alg)}
    answer = house.browser().post(path, data=form, headers=headers)
    assert answer.status_code in {200, 400, 401}, answer.text
    return answer.status_code != 401


def prove_methods(path: str) -> Proof:
    """Return a proof that an endpoint takes these methods of client authentication and no other."""

    def prove(house: House, value: Any) -> None:
        for method in KNOWN_METHODS:
            metadata: dict[str, Any] = {"token_endpoint_auth_method": method}
            if method == "private_key_jwt":
                metadata["jwks"] = {"keys": [dict(client_key("ES256").public_jwk)]}
            if method not in house.server.registry.client_authentication:
                refuses(house, **metadata)
                assert method not in value
                continue
            house.add_client(method, secret=LONG_SECRET, **metadata)
            alg = "HS256" if method == "client_secret_jwt" else "ES256"
            assert authenticate(house, path, method, method, alg) is (method in value), method

    return prove


def prove_assertions(path: str) -> Proof:
    """Return a proof that an endpoint takes client assertions under these algorithms and no other."""

    def prove(house: House, value: Any) -> None:
        keys = {"keys": [dict(client_key(alg).public_jwk) for alg in ALGORITHMS]}
        asymmetric: dict[str, Any] = {"token_endpoint_auth_method": "private_key_jwt", "jwks": keys}
        hmac: dict[str, Any] = {"token_endpoint_auth_method": "client_secret_jwt"}
        for alg in value:
            for more in ({}, {"token_endpoint_auth_signing_alg": alg}):
                name = f"{alg}-{len(more)}"
                house.add_client(name, secret=LONG_SECRET, **(hmac if alg in HASHES else asymmetric), **more)
                assert authenticate(house, path, name, "_jwt", alg)
        for alg in unlisted(KNOWN_ALGORITHMS, value):
            for metadata in (asymmetric, hmac):
                refuses(house, **metadata, token_endpoint_auth_signing_alg=alg)
            assert not authenticate(house, path, "ES256-0", "_jwt", alg)
        assert not authenticate(house, path, "ES256-1", "_jwt", "ES384")

    return prove


def prove_signatures(kind: str) -> Proof:
    """Return a proof that a kind of response is signed under each of these algorithms, and under no other."""

    def prove(house: House, value: Any) -> None:
        browser = house.browser()
        for alg in value:
            house.add_client(alg, secret=LONG_SECRET, **{f"{kind}_signed_response_alg": alg})
            token = fetch(house, kind, alg, browser)
            assert read_jws(house, token, alg)[1]["aud"] == alg
        for alg in unlisted(KNOWN_ALGORITHMS, value):
            refuses(house, **{f"{kind}_signed_response_alg": alg})

    return prove


def fetch(house: House, kind: str, client_id: str, browser: Browser) -> str:
    """Return an ID Token or a UserInfo response as it was sent."""
    tokens = signed_in(house, client_id, browser)
    if kind == "id_token":
        return str(tokens["id_token"])
    answer = browser.userinfo(tokens["access_token"])
    assert answer.headers["content-type"] == "application/jwt"
    return answer.text


def prove_encryption(kind: str, encs: Iterable[str]) -> Proof:
    """Return a proof that the client can read what was encrypted under each of these algorithms, with each `enc`."""

    def prove(house: House, value: Any) -> None:
        browser = house.browser()
        for alg, enc in itertools.product(value, encs):
            client_id = f"{alg}.{enc}".replace("+", ".")
            members = {f"{kind}_encrypted_response_alg": alg, f"{kind}_encrypted_response_enc": enc}
            signed: dict[str, Any] = {f"{kind}_signed_response_alg": "ES256", "jwks": KEYS}
            house.add_client(client_id, secret=LONG_SECRET, **signed, **members)
            header, inner = decrypt(fetch(house, kind, client_id, browser), alg, enc)
            assert header["cty"] == "JWT"
            assert read_jws(house, inner, "ES256")[1]["aud"] == client_id
        for alg in unlisted(KNOWN_ENCRYPTION_ALGS, value):
            refuses(house, jwks=KEYS, **{f"{kind}_encrypted_response_alg": alg})

    return prove


def prove_encs(kind: str) -> Proof:
    """Return a proof that these may be registered and no other; that they work is proven with the algorithms."""

    def prove(house: House, value: Any) -> None:
        assert value == ALL_ENCS
        alg = {f"{kind}_encrypted_response_alg": "RSA-OAEP", "jwks": KEYS}
        for enc in unlisted(KNOWN_ENCRYPTION_ENCS, value):
            refuses(house, **alg, **{f"{kind}_encrypted_response_enc": enc})

    return prove


ALL_ENCS = ["A128CBC-HS256", "A256CBC-HS512", "A128GCM", "A256GCM"]


def prove_challenge_methods(house: House, value: Any) -> None:
    """S256 alone."""
    browser = house.browser()
    for method in value:
        code = browser.code_flow(code_challenge=CHALLENGE, code_challenge_method=method)["code"]
        assert browser.exchange(code, code_verifier=VERIFIER).status_code == 200
    for method in unlisted(("S256", "plain", "S512"), value):
        assert response_params(browser.authorize(code_challenge_method=method))["error"] == "invalid_request"


def prove_iss(house: House, value: Any) -> None:
    """In successes and refusals."""
    assert value is True
    assert house.browser().code_flow()["iss"] == ISSUER
    assert response_params(house.browser().authorize(prompt="none"))["iss"] == ISSUER


def prove_subject_types(house: House, value: Any) -> None:
    """Two clients of different sectors see the same subject, or different ones."""
    browser = house.browser()
    for kind in value:
        subjects = set()
        for host in ("rp.example", f"{kind}.example"):
            uri = f"https://{host}/cb"
            house.add_client(f"{kind}.{host}", subject_type=kind, redirect_uris=[uri])
            answer = sign_in_once(house, f"{kind}.{host}", browser, redirect_uri=uri)
            tokens = browser.exchange(answer["code"], f"{kind}.{host}", redirect_uri=uri).json()
            subjects.add(claims_of(tokens["id_token"])["sub"])
        assert len(subjects) == {"public": 1, "pairwise": 2}[kind]
    for kind in unlisted(("public", "pairwise", "private", ""), value):
        refuses(house, subject_type=kind)


def prove_acr_values(house: House, value: Any) -> None:
    """Each can be had; an essential one that is not listed is refused."""
    house.add_account("bob")
    # The weakest first: whoever has an app is asked for its code.
    for acr in reversed(value):
        browser = house.browser()
        name = "bob" if acr == PHISHING_RESISTANT_CLASS else "alice"
        page = browser.sign_in(browser.follow(browser.authorize(acr_values=acr)), name)
        if acr == MULTI_FACTOR_CLASS:
            app = give_app(house)
            page = browser.follow(browser.authorize(acr_values=acr))
            page = send_code(browser, page, next_code(house, app))
        if acr == PHISHING_RESISTANT_CLASS:
            device = give_passkey(house, name)
            page = browser.follow(browser.authorize(acr_values=acr))
            page = browser.submit(page, passkey=json.dumps(device.get(options_of(page))), action="continue")
        tokens = browser.exchange(response_params(page)["code"]).json()
        assert claims_of(tokens["id_token"])["acr"] == acr
    wish = json.dumps({"id_token": {"acr": {"essential": True, "values": ["urn:other"]}}})
    refused = response_params(house.browser().authorize(claims=wish))
    assert refused["error"] == "unmet_authentication_requirements"


def prove_prompts(house: House, value: Any) -> None:
    """Each shows its page, and `none` shows none."""
    pages = {"login": "login-submit", "consent": "consent-allow", "select_account": "accounts"}
    browser = house.browser()
    assert response_params(browser.authorize(prompt="none"))["error"] == "login_required"
    browser.code_flow()
    assert "code" in response_params(browser.authorize(prompt="none"))
    for prompt in [one for one in value if one != "none"]:
        page = browser.follow(browser.authorize(prompt=prompt))
        assert pages[prompt] in page.text or f"/{pages[prompt]}" in str(page.url)
    for prompt in unlisted((*pages, "none", "create", "bogus"), value):
        assert response_params(browser.authorize(prompt=prompt))["error"] == "invalid_request"


def prove_displays(house: House, value: Any) -> None:
    """The pages are pages; what else is asked for is no error (OIDC Core §3.1.2.1)."""
    assert value == ["page"]
    for display in ("page", "popup", "bogus"):
        assert "code" in house.browser().code_flow(display=display)


def prove_ui_locales(house: House, value: Any) -> None:
    """The sign-in page speaks each of them, and what else is asked for is no error (OIDC Core §3.1.2.1)."""
    for tag in value:
        browser = house.browser()
        page = browser.follow(browser.authorize(ui_locales=f"xx {tag}"))
        assert f'<html lang="{tag}"' in page.text


def prove_claims(house: House, value: Any) -> None:
    """Exactly these can be had, of an account that has them all; beside them a token's own `jti` and the like."""
    house.add_account("full", claims=FULL_ACCOUNT)
    kinds: dict[str, Any] = {"response_types": ["code id_token token"], "profile": "oidc_legacy"}
    house.add_client("full", grant_types=["authorization_code", "implicit"], **kinds)
    browser = house.browser()
    asked = {"scope": "openid profile email address phone roles", "response_type": "code id_token token"}
    answer = answer_of(browser.sign_in(browser.follow(browser.authorize("full", **asked)), "full"))
    claims = claims_of(answer["id_token"]) | browser.userinfo(answer["access_token"]).json()
    assert set(value) == set(claims)


def prove_claim_types(house: House, value: Any) -> None:
    """No claim of UserInfo points elsewhere (OIDC Core §5.6)."""
    assert value == ["normal"]
    tokens = house.browser().tokens(scope="openid profile email address phone roles")
    assert not {"_claim_names", "_claim_sources"} & set(house.browser().userinfo(tokens["access_token"]).json())


def prove_scopes(house: House, value: Any) -> None:
    """Each is granted to a client that may have it; others are left out."""
    browser = house.browser()
    house.add_client("scoped", scope=" ".join([*value, "nonsense"]))
    tokens = browser.tokens("scoped", scope=" ".join([*value, "other"]), prompt="consent")
    assert set(tokens["scope"].split()) == set(value)


def prove_claims_parameter(house: House, value: Any) -> None:
    """A single claim comes without its scope."""
    assert value is True
    browser = house.browser()
    tokens = browser.tokens(claims='{"userinfo":{"name":null}}')
    assert set(browser.userinfo(tokens["access_token"]).json()) == {"sub", "name"}


def prove_backchannel(house: House, value: Any) -> None:
    """A sign-out reaches the client, with the session's `sid`."""
    assert value is True
    house.add_client("told", backchannel_logout_uri="https://told.example/out")
    browser = house.browser()
    id_token = browser.tokens("told")["id_token"]
    browser.get("/oauth2/logout", params={"id_token_hint": id_token})
    ((uri, form),) = deliver(house)
    assert uri == "https://told.example/out"
    assert claims_of(form["logout_token"])["sid"] == claims_of(id_token)["sid"]


def prove_frontchannel(house: House, value: Any) -> None:
    """The signed-out page loads the client, with the session's `sid`."""
    assert value is True
    house.add_client("front", frontchannel_logout_uri="https://rp.example/front")
    browser = house.browser()
    id_token = browser.tokens("front")["id_token"]
    page = browser.get("/oauth2/logout", params={"id_token_hint": id_token})
    (frame,) = frames_of(page.text)
    assert dict(parse_qsl(urlsplit(frame).query)) == {"iss": ISSUER, "sid": claims_of(id_token)["sid"]}


_BY_VALUE = proven_by("test_oidc_discovery", "test_advertised_request_objects_work_and_others_do_not")


def prove_registration(house: House, value: Any) -> None:
    """Who registers there can sign people in; what the server's profile does not admit is refused there too."""
    prove_url(house, value)
    browser = house.browser()
    wish: dict[str, Any] = {"redirect_uris": ["https://rp.example/cb"], "client_name": "New"}
    made = browser.post(value, json=wish | {"id_token_signed_response_alg": "ES256"})
    assert made.status_code == 201, made.text
    client = made.json()
    code = browser.code_flow(client["client_id"])["code"]
    tokens = browser.exchange(code, client["client_id"], secret=client["client_secret"]).json()
    assert read_jws(house, tokens["id_token"], "ES256")[1]["aud"] == client["client_id"]
    legacy = house.server.settings.profile == "oidc_legacy"
    for alg in ("none", "HS256", "RS1"):
        answer = browser.post(value, json=wish | {"id_token_signed_response_alg": alg, "profile": "oidc_legacy"})
        admitted = legacy and alg != "RS1"
        assert answer.status_code == (201 if admitted else 400)
        assert admitted or answer.json()["error"] == "invalid_client_metadata"


PROOFS: Mapping[str, Proof] = {
    "issuer": prove_issuer,
    "token_endpoint": prove_url,
    "authorization_endpoint": prove_url,
    "userinfo_endpoint": prove_url,
    "revocation_endpoint": prove_url,
    "introspection_endpoint": prove_url,
    "jwks_uri": prove_url,
    "end_session_endpoint": prove_url,
    "registration_endpoint": prove_registration,
    "response_types_supported": prove_response_types,
    "response_modes_supported": prove_response_modes,
    "grant_types_supported": prove_grant_types,
    "token_endpoint_auth_methods_supported": prove_methods("/oauth2/token"),
    "revocation_endpoint_auth_methods_supported": prove_methods("/oauth2/revoke"),
    "introspection_endpoint_auth_methods_supported": prove_methods("/oauth2/introspect"),
    "token_endpoint_auth_signing_alg_values_supported": prove_assertions("/oauth2/token"),
    "revocation_endpoint_auth_signing_alg_values_supported": prove_assertions("/oauth2/revoke"),
    "introspection_endpoint_auth_signing_alg_values_supported": prove_assertions("/oauth2/introspect"),
    "scopes_supported": prove_scopes,
    "code_challenge_methods_supported": prove_challenge_methods,
    "authorization_response_iss_parameter_supported": prove_iss,
    "subject_types_supported": prove_subject_types,
    "id_token_signing_alg_values_supported": prove_signatures("id_token"),
    "id_token_encryption_alg_values_supported": prove_encryption("id_token", ALL_ENCS),
    "id_token_encryption_enc_values_supported": prove_encs("id_token"),
    "userinfo_signing_alg_values_supported": prove_signatures("userinfo"),
    "userinfo_encryption_alg_values_supported": prove_encryption("userinfo", ALL_ENCS),
    "userinfo_encryption_enc_values_supported": prove_encs("userinfo"),
    "acr_values_supported": prove_acr_values,
    "prompt_values_supported": prove_prompts,
    "display_values_supported": prove_displays,
    "ui_locales_supported": prove_ui_locales,
    "claims_supported": prove_claims,
    "claim_types_supported": prove_claim_types,
    "claims_parameter_supported": prove_claims_parameter,
    "request_parameter_supported": _BY_VALUE,
    "request_object_signing_alg_values_supported": _BY_VALUE,
    "request_object_encryption_alg_values_supported": _BY_VALUE,
    "request_object_encryption_enc_values_supported": _BY_VALUE,
    "request_uri_parameter_supported": proven_by("test_rfc9101_request_uri", "test_request_by_reference"),
    "require_request_uri_registration": proven_by(
        "test_rfc9101_request_uri", "test_what_is_not_registered_is_never_fetched"
    ),
    "check_session_iframe": proven_by("test_session_management", "test_discovery_names_the_frame"),
    "backchannel_logout_supported": prove_backchannel,
    "backchannel_logout_session_supported": prove_backchannel,
    "frontchannel_logout_supported": prove_frontchannel,
    "frontchannel_logout_session_supported": prove_frontchannel,
}
