"""HT: other spellings of a path: one form leads to a thing, and every other to nothing (R16)."""

import pytest

from tests.attacks.wire import Wire, statuses

STATIC = [
    "/static/..%2f..%2fetc/passwd",
    "/static/../../../../etc/passwd",
    "/static/%2e%2e/%2e%2e/etc/passwd",
    "/static/..%5c..%5cetc%5cpasswd",
    "/static//etc/passwd",
    "//etc/passwd",
    "/static/%2fetc%2fpasswd",
    "/static/%00",
    "/static/signet.css%00",
    "/static/signet.css%00.js",
    "/static/signet.css;x",
    "/static/signet.css/",
    "/static/./signet.css",
    "/static/%2e/signet.css",
    "/static/SIGNET.CSS",
    "/static/",
    "/static",
    "/static/__init__.py",
    "/static/..%252f..%252fetc/passwd",
    "/static/%c0%ae%c0%ae/etc/passwd",
]


@pytest.mark.case("HT-13")
@pytest.mark.parametrize("path", STATIC)
def test_static_files_have_one_name_each(wire: Wire, path: str) -> None:
    """No path is taken from a request, so none leads out."""
    answer = wire.send(wire.head(f"GET {path} HTTP/1.1"))
    assert statuses(answer) in ([404], [400])
    assert b"root:" not in answer


GUARDED = ("/oauth2/introspect", "/oauth2/register", "/oauth2/logout/confirm", "/login")


def spellings(path: str) -> list[str]:
    """Return what some server might take for the path."""
    first, name = path.rsplit("/", 1)
    return [
        "/" + path,
        "/." + path,
        f"{path}/.",
        f"{path}/",
        f"{path}%2f",
        path.upper(),
        f"{path};x",
        f"{path}%00",
        f"{path}%20",
        f"{path}.",
        f"{path}/../{name}",
        f"{first}%2f{name}",
        f"{first}\\{name}",
        f"{first}//{name}",
        f"/x/..{path}",
    ]


@pytest.mark.case("HT-14", "HT-32")
@pytest.mark.parametrize(("path", "other"), [(path, other) for path in GUARDED for other in spellings(path)])
def test_other_spellings_of_a_guarded_path(wire: Wire, path: str, other: str) -> None:
    """They are no pages."""
    # Below that of registration are those of its clients, which take no POST.
    known = ([404], [400], [405]) if other.startswith("/oauth2/register/") else ([404], [400])
    assert statuses(wire.send(wire.head(f"POST {other} HTTP/1.1", "Content-Length: 0"))) in known


@pytest.mark.case("HT-14", "HT-32")
@pytest.mark.parametrize("path", GUARDED)
def test_an_encoded_letter_is_the_same_path(wire: Wire, path: str) -> None:
    """It is decoded once, before anything is decided (RFC 3986 §6.2.2.2); encoded twice it is another path."""
    encoded = f"/%{ord(path[1]):02x}{path[2:]}"
    plain, same = (wire.send(wire.head(f"POST {target} HTTP/1.1", "Content-Length: 0")) for target in (path, encoded))
    assert statuses(plain) == statuses(same)
    assert statuses(plain)[0] in {400, 401, 403}
    twice = encoded.replace("%", "%25")
    assert statuses(wire.send(wire.head(f"POST {twice} HTTP/1.1", "Content-Length: 0"))) == [404]
