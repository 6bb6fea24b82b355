"""HT: bodies that are no forms, and forms in other encodings (R1, R18)."""

import tempfile
from base64 import b64encode
from pathlib import Path

import pytest

from tests.attacks.oracle import unchanged
from tests.attacks.raw import FORM, ask_raw
from tests.provider import SECRET, VERIFIER, House

BASIC = (b"authorization", b"Basic " + b64encode(f"web:{SECRET}".encode()))
POSTS = (
    "/oauth2/token",
    "/oauth2/introspect",
    "/oauth2/revoke",
    "/login",
    "/consent",
    "/accounts",
    "/oauth2/authorize",
)
PART = b'--b\r\nContent-Disposition: form-data; name="token"\r\n\r\nx\r\n'
FILE = b'--b\r\nContent-Disposition: form-data; name="f"; filename="../../x"\r\n\r\nx\r\n--b--\r\n'
MULTIPART = {
    "2,000 parts": (b"; boundary=b", PART * 900 + b"--b--\r\n"),
    "no boundary": (b"", PART + b"--b--\r\n"),
    "empty boundary": (b"; boundary=", PART + b"--b--\r\n"),
    "long boundary": (b"; boundary=" + b"b" * 5_000, PART),
    "no end": (b"; boundary=b", PART),
    "large header of a part": (b"; boundary=b", b"--b\r\nX: " + b"x" * 60_000 + b"\r\n\r\nx\r\n--b--\r\n"),
    "file name": (b"; boundary=b", FILE),
}


@pytest.mark.case("HT-06")
@pytest.mark.parametrize("name", MULTIPART)
def test_multipart_is_not_read(house: House, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here takes files, so no part is looked at, and none is put on a disk."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    more, body = MULTIPART[name]
    form = (b"content-type", b"multipart/form-data" + more)
    with unchanged(house):
        assert {ask_raw(house, "POST", path, form, BASIC, body=body).status_code for path in POSTS} <= {400, 415}
    assert list(place.iterdir()) == []


@pytest.mark.case("HT-06")
def test_large_multipart_is_refused(house: House) -> None:
    """Two thousand parts, and a part with a header of 1 MB."""
    form = (b"content-type", b"multipart/form-data; boundary=b")
    for body in (PART * 2_000, b"--b\r\nX: " + b"x" * 1_000_000 + b"\r\n\r\nx\r\n--b--\r\n"):
        assert {ask_raw(house, "POST", path, form, body=body).status_code for path in POSTS} == {413}


GOOD = b"grant_type=client_credentials&scope=api.read"
CREDENTIALS = (b"authorization", b"Basic " + b64encode(f"svc:{SECRET}".encode()))


OTHER_ENCODINGS = [
    (b"", GOOD + b"&x=%ff"),
    (b"", GOOD + b"&x=\xff"),
    (b"", GOOD + b"&\xff=x"),
    (b"", GOOD + b"&x=%c0%af"),
    (b"", GOOD + b"&x=%ed%a0%80"),
    (b"", GOOD + b"&x=%f4%90%80%80"),
    (b"", GOOD + b"&x=%00"),
    (b"", b"\xef\xbb\xbf" + GOOD),
    (b"", b"%ef%bb%bf" + GOOD),
    (b"", GOOD.replace(b"&", b";")),
    (b"", GOOD.decode().encode("utf-16")),
    (b"; charset=utf-7", GOOD),
    (b"; charset=utf-16", GOOD.decode().encode("utf-16")),
    (b"; charset=utf-16", GOOD),
    (b'; charset="ebcdic-cp-us"', GOOD),
    (b"; charset=\xff", GOOD),
]


@pytest.mark.case("HT-16")
def test_forms_in_other_encodings(house: House) -> None:
    """Are refused, for another reader might see other parameters in them."""
    with unchanged(house):
        for more, body in OTHER_ENCODINGS:
            answer = ask_raw(house, "POST", "/oauth2/token", (FORM[0], FORM[1] + more), CREDENTIALS, body=body)
            assert answer.status_code == 400, (more, body)
            assert answer.json()["error"] in {"invalid_request", "unsupported_grant_type"}


@pytest.mark.case("HT-16")
@pytest.mark.parametrize("content_type", [b"", b"; charset=utf-8", b'; charset="UTF-8"', b";charset=UTF8", b"; x=y"])
def test_forms_that_are_read(house: House, content_type: bytes) -> None:
    """UTF-8 under each of its names; what is no parameter of ours is passed over, a semicolon divides nothing."""
    form = (FORM[0], FORM[1] + content_type)
    for more in (b"", b"&a;b=2", b"&x=%F0%9F%94%91", b"&x=%zz", b"&&=&"):
        answer = ask_raw(house, "POST", "/oauth2/token", form, CREDENTIALS, body=GOOD + more)
        assert answer.status_code == 200, more


@pytest.mark.case("HT-16")
@pytest.mark.parametrize("body", [b"x=%ff", b"\xff\xfe", b"a;b=2", b"=" * 150, b"&" * 60_000])
def test_odd_bytes_at_every_form(house: House, body: bytes) -> None:
    """Are a refusal everywhere."""
    with unchanged(house):
        for path in POSTS:
            assert 400 <= ask_raw(house, "POST", path, FORM, body=body).status_code < 500, path


@pytest.mark.case("HT-16")
@pytest.mark.parametrize("query", [b"client_id=%ff", b"client_id=\xff", b"%ff=x", b"client_id=web&state=%c0%80"])
def test_odd_bytes_in_a_query(house: House, query: bytes) -> None:
    """As in a form; nobody is sent anywhere."""
    query += b"&redirect_uri=https%3A%2F%2Frp.example%2Fcb&code_challenge=" + VERIFIER.encode()
    answer = ask_raw(house, "GET", "/oauth2/authorize", query=query)
    assert answer.status_code == 400
    assert "location" not in answer.headers
