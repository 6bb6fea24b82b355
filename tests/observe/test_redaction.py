"""What never reaches the log."""

import json
from time import perf_counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.observe.redaction import HIDDEN, LONGEST, is_secret_name, redact, redact_text
from idp.randomness import new_handle

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl"
TEXTS = st.text(st.characters(codec=None), max_size=300)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=10,
)


@pytest.mark.parametrize(
    "name",
    [
        *("password", "Password", "new_password", "client_secret", "secret", "cookie", "set-cookie", "Authorization"),
        *("code", "token", "access_token", "refresh_token", "id_token_hint", "client_assertion", "code_verifier"),
        *("logout_token", "state", "nonce", "handle", "csrf", "key_encryption_secret", "x_csrf_header"),
    ],
)
def test_secret_names_are_hidden_whatever_they_hold(name: str) -> None:
    """The name alone decides."""
    assert is_secret_name(name)
    for value in ("x", 17, ["a"], {"b": "c"}):
        assert redact(name, value) == HIDDEN


@pytest.mark.parametrize(
    "name", ["status", "status_code", "client_id", "path", "error", "scope", "kid", "session_id", "tokens_issued"]
)
def test_other_names_are_shown(name: str) -> None:
    """A log that hides everything is of no use."""
    assert redact(name, "plain") == "plain"
    assert redact(name, 3) == 3


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"token {JWT} was refused", JWT),
        pytest.param(f"got {new_handle()}!", None, id="handle"),
        ("hash $argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA", "aGFzaA"),
        ("Authorization: Bearer abcdefghijk", "abcdefghijk"),
        ("authorization=Basic d2ViOnNlY3JldA==", "d2ViOnNlY3JldA=="),
        ("GET /callback?code=SplxlOBeZQQYbYS6WxSbIA&state=xyz HTTP/1.1", "SplxlOBeZQQYbYS6WxSbIA"),
        ("https://rp.example/cb?x=1&code=abc", "abc"),
        ('{"password": "hunter2", "a": 1}', "hunter2"),
        ("{'client_secret': 'hunter2'}", "hunter2"),
        ("password=hunter2&username=alice", "hunter2"),
        ("Cookie: session=hunter2", "hunter2"),
        ("code_verifier=hunter2", "hunter2"),
        ("refresh_token: hunter2", "hunter2"),
    ],
)
def test_secrets_are_cut_out_of_texts(text: str, secret: str | None) -> None:
    """Shapes and neighbouring names betray a secret wherever it stands."""
    shown = redact_text(text)
    assert HIDDEN in shown
    assert (secret or text[4:47]) not in shown


def test_secrets_are_found_in_nested_values() -> None:
    """A dictionary in a list in a field is looked through."""
    shown = redact("details", [{"form": {"password": "hunter2", "username": "alice"}}, JWT])
    assert shown == [{"form": {"password": HIDDEN, "username": "alice"}}, HIDDEN]


def test_a_public_thumbprint_is_shown() -> None:
    """A `kid` is as long as a bearer value, and an operator has to see it."""
    kid = new_handle()
    assert redact("kid", kid) == kid
    assert redact("what", kid) == HIDDEN


def test_plain_sentences_stay() -> None:
    """Words like code and state are words of sentences too."""
    for text in ("exit code: 1", "the state of things", "key.created", "a token was refused", "/oauth2/token"):
        assert redact_text(text) == text


def test_length_is_bounded() -> None:
    """A field of a megabyte does not fill the disk."""
    assert len(redact_text("a b " * 300_000)) <= LONGEST + 3


@pytest.mark.parametrize("text", ["a" * 5000, "a_" * 2500, "a-" * 2500, "?a=" * 2000, "password" * 600, "eyJ." * 900])
def test_no_text_takes_long(text: str) -> None:
    """No input makes the patterns backtrack without end."""
    started = perf_counter()
    redact_text(text)
    assert perf_counter() - started < 0.2


@pytest.mark.case("HT-28")
@given(TEXTS)
def test_any_text_becomes_one_printable_line(text: str) -> None:
    """Nothing that anyone sends starts a new line or moves a terminal's cursor."""
    shown = redact_text(text)
    assert len(shown.splitlines()) <= 1
    assert not any(c in shown for c in "\x1b\x00\x7f\x9b\u2028\u202e\ufeff")
    shown.encode("utf-8")


@given(st.text("abcdefghijklmnopqrstuvwxyz"), JSON)
def test_anything_can_be_redacted(name: str, value: Any) -> None:
    """Whatever a field holds becomes JSON."""
    json.dumps(redact(name, value))


@given(TEXTS, TEXTS, st.binary(min_size=32, max_size=32))
def test_no_bearer_value_survives_anywhere(before: str, after: str, raw: bytes) -> None:
    """One of our own values is found between any two words."""
    import base64

    handle = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    assert handle not in redact_text(f"{before} {handle} {after}")
