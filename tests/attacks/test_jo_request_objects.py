"""JO: tokens of an attacker where a request object is due (RFC 8725)."""

import base64
import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from joserfc.jws import JWSRegistry

from tests.attacks.cases import case
from tests.attacks.oracle import assert_redirected, unchanged
from tests.jose.conftest import encode
from tests.provider import ISSUER, SECRET, House
from tests.request_objects import (
    ask,
    encrypt,
    hmac_signed,
    jwks,
    key_for,
    members,
    providers_key,
    register,
    sign,
)

PUBLIC = jwks("RS256")["keys"][0]
RS256 = JWSRegistry(algorithms=["RS256"]).get_alg("RS256")


@pytest.fixture
def canary() -> Iterator[int]:
    """The port of a listener on loopback that nobody may connect to."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.05)
        yield listening.getsockname()[1]
        with pytest.raises(TimeoutError):
            listening.accept()


@pytest.fixture
def house(house: House) -> House:
    """The house with a client of which every request is signed and bound, and one that is free to sign."""
    register(house)
    register(house, "bound", require_signed_request_object=True)
    return house


def refuse(house: House, *tokens: str, client_id: str = "jar") -> None:
    """Expect each to be refused at the client, by value in a form, with nothing stored and in no time."""
    browser = house.browser()
    with unchanged(house):
        for token in tokens:
            started = time.perf_counter()
            answer = ask(browser, token, "POST", client_id=client_id)
            assert time.perf_counter() - started < 2.0
            assert_redirected(answer, "invalid_request_object")


def raw(header: object, payload: object, owner: str = "jar") -> str:
    """Return a JWS with any header and payload, truly signed by RS256 under an owner's key."""
    message = f"{encode(header)}.{encode(payload)}"
    return f"{message}.{encode(RS256.sign(message.encode(), key_for('RS256', owner)))}"


def test_the_forger_works(house: House) -> None:
    """What it makes counts when nothing is wrong with it."""
    answer = ask(house.browser(), raw({"alg": "RS256"}, members(prompt="none")))
    assert_redirected(answer, "login_required", state="inside")


@pytest.mark.parametrize("client_id", ["jar", "bound"])
@pytest.mark.parametrize(
    "alg", [case("JO-01", alg) for alg in ("none", "None", "NONE", "nOnE", "", None, ["RS256"], 0, "absent")]
)
def test_alg_none(house: House, alg: object, client_id: str) -> None:
    """No spelling of none, with a signature or without."""
    header = {} if alg == "absent" else {"alg": alg}
    payload = members(client_id, iss=client_id, aud=ISSUER, exp=house.clock.now() + 60)
    message = f"{encode(header)}.{encode(payload)}"
    refuse(house, raw(header, payload), f"{message}.", message, f"{message}.AA", client_id=client_id)


@pytest.mark.case("JO-02", "JO-03")
def test_secrets_that_are_none(house: House) -> None:
    """No form of a public key, the client's or ours, and no secret of a client that did not register for it."""
    key, ours = key_for("RS256"), house.browser().get("/.well-known/jwks.json")
    pem = key.as_pem(private=False)
    forms = [
        *(pem, pem.strip(), pem + b"\n", key.as_der(private=False)),
        *(json.dumps(PUBLIC).encode(), PUBLIC["n"].encode(), base64.urlsafe_b64decode(PUBLIC["n"] + "==")),
        *(ours.content, SECRET.encode(), b""),
    ]
    refuse(house, *(hmac_signed(members(), form) for form in forms))


@pytest.mark.case("JO-04", "JO-05", "JO-06")
def test_keys_in_the_header(house: House, canary: int) -> None:
    """A key, a chain or an address in the header is neither used nor fetched."""
    public = dict(key_for("RS256", "stranger").as_dict(private=False))
    url = f"http://127.0.0.1:{canary}/jwks"
    extras: list[dict[str, Any]] = [
        {"jwk": public},
        {"jku": url},
        {"x5u": url},
        {"x5c": ["MIIB"]},
        {"kid": "x", "jku": url},
    ]
    refuse(house, *(raw({"alg": "RS256"} | extra, members(), "stranger") for extra in extras))


@pytest.mark.case("JO-07")
def test_kids(house: House) -> None:
    """A kid that is no text is refused; keys without names go by any, and no file, table or shell is asked."""
    no_texts: tuple[object, ...] = (7, None, ["x"], {}, True)
    refuse(house, *(raw({"alg": "RS256", "kid": kid}, members()) for kid in no_texts))
    named = jwks("RS256")["keys"][0] | {"kid": "mine"}
    register(house, "named", jwks={"keys": [named]})
    kids = (
        "",
        "unknown",
        "MINE",
        "mine ",
        "../../../../dev/null",
        "' UNION SELECT 'x'--",
        "|sleep 5",
        "x" * 9_000,
        "\0",
    )
    refuse(house, *(raw({"alg": "RS256", "kid": kid}, members("named")) for kid in kids), client_id="named")


@pytest.mark.case("JO-09")
def test_keys_for_other_uses(house: House) -> None:
    """A key registered for encryption, for another algorithm, or of another type verifies nothing."""
    for number, changes in enumerate(
        ({"use": "enc"}, {"alg": "PS256"}, {"key_ops": ["encrypt"]}, {"key_ops": "verify"})
    ):
        register(house, f"c{number}", jwks={"keys": [PUBLIC | changes]})
        refuse(house, sign(members(f"c{number}")), client_id=f"c{number}")
    register(house, "ec", jwks=jwks("ES256"))
    refuse(house, sign(members("ec")), client_id="ec")


@pytest.mark.case("JO-10")
def test_crit(house: House) -> None:
    """Critical members are refused, for none is understood; an empty list too."""
    crits: tuple[object, ...] = (["x"], "exp", [], ["alg"], ["b64"], ["exp"], None)
    refuse(house, *(raw({"alg": "RS256", "crit": crit, "b64": False, "x": 1}, members()) for crit in crits))
    refuse(house, *(raw({"alg": "RS256", "crit": crit}, members()) for crit in crits))
    refuse(house, raw({"alg": "RS256", "b64": False}, members()), raw({"alg": "RS256", "b64": True}, members()))


@pytest.mark.case("JO-13")
def test_issuers_that_are_nearly_ours(house: House) -> None:
    """As audience: another case, a slash, http, a port; the object is for somebody else."""
    near = (
        f"{ISSUER}/",
        ISSUER.upper(),
        "http://idp.example",
        f"{ISSUER}:443",
        f" {ISSUER}",
        f"{ISSUER}\n",
        f"{ISSUER}.",
    )
    refuse(house, *(sign(members(aud=aud)) for aud in near))


@pytest.mark.case("JO-14")
def test_numbers_that_json_does_not_know(house: House) -> None:
    """In any claim, read or not."""
    for literal in ("NaN", "Infinity", "-Infinity", "01", "+1", "9" * 5_000):
        for name in ("exp", "x", "max_age"):
            payload = json.dumps(members() | {name: 0}).replace(f'"{name}": 0', f'"{name}": {literal}')
            assert literal in payload
            refuse(house, raw({"alg": "RS256"}, payload))
    for literal in ("1e309", "-1e309", "1e308"):
        payload = json.dumps(members(exp=0)).replace('"exp": 0', f'"exp": {literal}')
        refuse(house, raw({"alg": "RS256"}, payload))


@pytest.mark.case("JO-14")
@pytest.mark.parametrize("name", ["exp", "iss", "aud", "client_id"])
def test_what_binds_is_missing(house: House, name: str) -> None:
    """A client whose requests must be signed cannot leave out what ties them."""
    whole = members("bound", iss="bound", aud=ISSUER, exp=house.clock.now() + 60, prompt="none")
    assert_redirected(ask(house.browser(), sign(whole), client_id="bound"), "login_required", state="inside")
    refuse(house, sign({n: v for n, v in whole.items() if n != name}), client_id="bound")


@pytest.mark.case("JO-15")
def test_members_that_come_twice(house: House) -> None:
    """In header and payload, alike or not, however they are spelt."""
    text = json.dumps(members(aud=ISSUER))
    for member in ("redirect_uri", "client_id", "aud", "state", "scope"):
        for value in ("evil", members(aud=ISSUER)[member]):
            twice = json.dumps({member: value})[1:-1]
            refuse(
                house, raw({"alg": "RS256"}, f"{{{twice}, {text[1:]}"), raw({"alg": "RS256"}, f"{text[:-1]}, {twice}}}")
            )
    refuse(house, raw({"alg": "RS256"}, f'{text[:-1]}, "\\u0073tate": "evil"}}'))
    refuse(house, raw('{"alg": "none", "alg": "RS256"}', text), raw('{"alg": "RS256", "alg": "none"}', text))


@pytest.mark.case("JO-16", "JO-17", "JO-18")
def test_other_forms(house: House) -> None:
    """Three parts of base64url, in their one spelling; no JSON serialization."""
    token = sign(members())
    head, body, signature = token.split(".")
    one = {"protected": head, "signature": signature}
    refuse(
        house,
        *(head, f"{head}.{body}", f"{head}.{body}.", f"{head}..{signature}", f".{body}.{signature}", "..", "."),
        *(f"{token}.", f"{token}.{signature}", f".{token}", ".".join([head] * 5), "." * 10_000, "." * 4),
        *(f"{token}=", f"{head}=.{body}.{signature}", f"{token}\n", f"{token} ", f" {token}", f"{token}%3D"),
        *(f"Bearer {token}", f"\ufeff{token}", token.replace(".", "．"), f"{token[:-1]}{_next(token[-1])}"),
        *(json.dumps({"payload": body, **one}), json.dumps({"payload": body, "signatures": [one, one]})),
        encode({"payload": body, **one}),
    )


@pytest.mark.case("JO-19")
def test_signatures_that_are_none(house: House) -> None:
    """Zeros, DER, and lengths that do not fit."""
    register(house, "ec", jwks=jwks("ES256"))
    head, body, signature = sign(members("ec"), "ES256").split(".")
    octets = base64.urlsafe_b64decode(signature + "==")
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    r, s = octets[:32], octets[32:]
    der = b"\x30" + bytes([4 + 32 + 32]) + b"\x02\x20" + r + b"\x02\x20" + s
    for forged in (
        bytes(64),
        order.to_bytes(32) + s,
        r + bytes(32),
        r + order.to_bytes(32),
        der,
        octets[:-1],
        octets + b"\0",
    ):
        refuse(house, f"{head}.{body}.{encode(forged)}", client_id="ec")
    head, body, _ = sign(members()).split(".")
    refuse(house, *(f"{head}.{body}.{encode(bytes(length))}" for length in (1, 255, 256, 257)))


@pytest.mark.case("JO-20")
def test_encryptions_that_are_refused(house: House) -> None:
    """Under passwords, with PKCS #1 v1.5, with a secret, or compressed: refused before anything is computed."""
    key = providers_key(house)
    for header in (
        {"alg": "RSA1_5", "enc": "A128CBC-HS256", "kid": key.kid},
        {"alg": "dir", "enc": "A256GCM"},
        {"alg": "PBES2-HS256+A128KW", "enc": "A128GCM", "p2c": 10**7, "p2s": "AAAA"},
        {"alg": "RSA-OAEP-256", "enc": "A128GCM", "zip": "DEF", "kid": key.kid},
        {"alg": "RSA-OAEP-256", "enc": "A128GCM", "crit": ["exp"], "kid": key.kid},
        {"alg": "ECDH-ES", "enc": "A128GCM", "epk": {"kty": "EC", "crv": "P-256", "x": "AQ", "y": "AQ"}},
        {"alg": "ECDH-ES", "enc": "A128GCM", "epk": 7},
    ):
        refuse(
            house, ".".join([encode(header), encode(b"k" * 256), encode(b"i" * 12), encode(b"c"), encode(b"t" * 16)])
        )
    # What inflates to many megabytes is not inflated.
    refuse(house, encrypt(sign({"x": "y" * 7_000}), key, zip="DEF"))


@pytest.mark.case("JO-21", "JO-22")
def test_large_and_deep(house: House) -> None:
    """Nesting is counted before it is parsed; a large one still counts."""
    for deep in ("[" * 5_000, '{"a":' * 1_500, '{"x":' + "[" * 5_000 + "]" * 5_000 + "}"):
        refuse(house, raw({"alg": "RS256"}, deep), raw(deep, members()))
    browser = house.browser()
    large = ask(browser, sign(members(prompt="none", x="y" * 11_000)), "POST")
    assert_redirected(browser.follow(large), "login_required", state="inside")
    # Longer than any value may be: the request is refused before it is a request object's.
    assert ask(house.browser(), "A" * 17_000, "POST").status_code == 400


@pytest.mark.case("JO-23")
def test_other_encodings(house: House) -> None:
    """Text that is not UTF-8, or has a byte order mark."""
    text = json.dumps(members()).encode()
    for octets in (
        b"\xef\xbb\xbf" + text,
        text.decode().encode("utf-16"),
        text + b"\xff",
        text.replace(b"a", b"\xc0\xae", 1),
        b"",
    ):
        refuse(house, raw({"alg": "RS256"}, octets))
    refuse(house, raw(b"\xef\xbb\xbf" + b'{"alg":"RS256"}', members()), raw(b'{"alg":"RS256"}\xff', members()))


@pytest.mark.case("JO-29")
def test_swapped_algorithms(house: House) -> None:
    """Another algorithm over the same signature."""
    _, body, signature = sign(members()).split(".")
    algs = ("RS384", "RS512", "PS256", "ES256", "HS256", "EdDSA", "rs256", "RS256 ", "RS1")
    refuse(house, *(f"{encode({'alg': alg})}.{body}.{signature}" for alg in algs))


@pytest.mark.case("JO-30")
def test_mutations(house: House) -> None:
    """A single character changed, at some 250 places: none is accepted."""
    token = sign(members())
    step = max(1, len(token) // 250)
    refuse(house, *(f"{token[:at]}{_next(token[at])}{token[at + 1 :]}" for at in range(0, len(token), step)))


@pytest.mark.case("JO-31", "JO-12")
def test_other_things_of_ours(house: House) -> None:
    """Cookies, handles, codes and tokens are no request objects."""
    browser = house.browser()
    answer = browser.code_flow("web")
    tokens = browser.exchange(answer["code"]).json()
    values = [value.strip('"') for value in browser.cookies.values()]
    refuse(house, *values, answer["code"], tokens["access_token"], tokens["id_token"])


@pytest.mark.case("JO-32")
def test_subjects_are_of_no_meaning(house: House) -> None:
    """`sub` is no parameter: whatever it is, nobody is signed in by it."""
    browser = house.browser()
    subjects: tuple[object, ...] = (7, [], None, "x" * 9_000, "alice")
    for sub in subjects:
        answer = ask(browser, sign(members(prompt="none") | {"sub": sub}), "POST")
        assert_redirected(browser.follow(answer), "login_required", state="inside")


def _next(character: str) -> str:
    """Return another character of the alphabet."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return "A" if character not in alphabet else alphabet[(alphabet.index(character) + 1) % 64]
