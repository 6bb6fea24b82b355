"""How URLs of other parties are read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.outbound.failures import OutboundRefused
from idp.outbound.urls import Target, parse_target


@pytest.mark.parametrize(
    ("url", "target", "authority"),
    [
        ("https://rp.example/out", Target("https", "rp.example", 443, "/out"), "rp.example"),
        ("https://RP.example", Target("https", "rp.example", 443, "/"), "rp.example"),
        ("https://rp.example:8443/a?b=c&d", Target("https", "rp.example", 8443, "/a?b=c&d"), "rp.example:8443"),
        ("https://rp.example:443/", Target("https", "rp.example", 443, "/"), "rp.example"),
        ("https://[2001:db8::1]/x", Target("https", "2001:db8::1", 443, "/x"), "[2001:db8::1]"),
        ("https://[::1]:9001/x", Target("https", "::1", 9001, "/x"), "[::1]:9001"),
        ("https://10.0.0.1/", Target("https", "10.0.0.1", 443, "/"), "10.0.0.1"),
    ],
)
def test_urls_taken_apart(url: str, target: Target, authority: str) -> None:
    """A proper URL has one reading."""
    assert parse_target(url, allow_http=False) == target
    assert target.authority == authority


@pytest.mark.case("AZ-57")
@pytest.mark.parametrize(
    "url",
    [
        *(
            "",
            "/",
            "//rp.example/",
            "rp.example",
            "https:",
            "https:/rp.example",
            "https://",
            "https:///x",
            "https://:443/",
        ),
        *("file:///etc/passwd", "gopher://rp.example/", "ftp://rp.example/", "data:,x", "javascript:x", "unix:/run/x"),
        *(
            "https://user@rp.example/",
            "https://user:pw@rp.example/",
            "https://rp.example@127.0.0.1/",
            "https://@rp.example/",
        ),
        *("https://rp.example/#f", "https://rp.example/#", "https://rp.example#@127.0.0.1/"),
        *("https://rp.example:0/", "https://rp.example:65536/", "https://rp.example:-1/", "https://rp.example:x/"),
        *("https://rp.example\\@127.0.0.1/", "https://127.0.0.1\\.rp.example/", "https:\\\\rp.example\\"),
        *("https://rp.example/ x", " https://rp.example/", "https://rp.example/\n", "https://rp.example/\r\nHost: x"),
        *(
            "https://rp.exa\tmple/",
            "https://rp.example/\x00",
            "https://rр.example/",
            "https://rp。example/",
            "https://ⓡp.example/",
        ),
        *("https://rp%2eexample/", "https://%31%32%37.0.0.1/", "https://[::1%25eth0]/", "https://[::1", "https://::1/"),
        *(
            "https://[127.0.0.1]/",
            "https://[rp.example]/",
            "https://rp.example[/",
            "https://" + "a" * 300 + ".example/",
        ),
        *("https://rp.example/" + "a" * 3000, "http://rp.example/"),
    ],
)
def test_urls_that_are_refused(url: str) -> None:
    """Whatever two parsers could read differently, or is not https, is refused."""
    with pytest.raises(OutboundRefused) as refusal:
        parse_target(url, allow_http=False)
    assert "example" not in refusal.value.reason


def test_http_where_allowed() -> None:
    """http is read where loopback is allowed, other schemes never."""
    assert parse_target("http://shop.localhost:9001/out", allow_http=True).port == 9001
    with pytest.raises(OutboundRefused):
        parse_target("ftp://shop.localhost/", allow_http=True)


@given(st.text() | st.text("https:/@[]?#.%\\ \t01aé").map("https://".__add__))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Nothing but a refusal comes out of the parser, and what is read needs no second reading."""
    try:
        target = parse_target(text, allow_http=True)
    except OutboundRefused:
        return
    again = f"{target.scheme}://{target.authority}{target.path}"
    assert parse_target(again, allow_http=True) == target
