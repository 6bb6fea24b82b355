"""One canonical form decides which names are the same (R10)."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.accounts.names import LONGEST, canonical_name, checked_email, checked_mailable, checked_name

ANY_TEXT = st.text(alphabet=st.characters(codec=None), max_size=60)


@pytest.mark.case("LG-31", "LG-40")
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Alice", "aLICE"),
        (" alice\t", "alice"),
        ("jose\u0301", "jos\u00e9"),
        ("\uff41lice", "alice"),
        ("stra\u00dfe", "STRASSE"),
        ("\u212aate", "kate"),
        ("I\u0307\u0327", "i\u0327\u0307"),
    ],
)
def test_forms_of_one_name(one: str, other: str) -> None:
    """Case, composition and width do not make another name."""
    assert canonical_name(one) == canonical_name(other) is not None


@pytest.mark.case("LG-31", "LG-41")
@pytest.mark.parametrize("other", ["al\u0131ce@example.com", "alice@ex\u0430mple.com", "alice@example.com."])
def test_names_that_only_look_alike(other: str) -> None:
    """A dotless i, a Cyrillic letter or a trailing dot is another name, so it never reaches alice."""
    assert canonical_name(other) != canonical_name("alice@example.com")


@pytest.mark.case("LG-19", "LG-41")
@pytest.mark.parametrize(
    "text",
    [
        "",
        " \t\n",
        "admin\0",
        "ad\u200bmin",
        "\u202enimda",
        "admin\ud800",
        "ad min",
        "admin\u3164",
        "adm\u034fin",
        "admin\ufe0f",
        "a" * (LONGEST + 1),
        "\ufdfa" * 60,
        "a" * 1_000_000,
    ],
)
def test_what_is_no_name(text: str) -> None:
    """Empty, invisible, bidirectional, broken or overlong text, also once it is unfolded, names nobody."""
    assert canonical_name(text) is None
    with pytest.raises(ValueError, match="printable"):
        checked_name(text)


@pytest.mark.case("LG-41")
def test_mixed_scripts_are_refused_at_creation() -> None:
    """A Cyrillic letter among Latin ones cannot be created; a name wholly in another script can."""
    with pytest.raises(ValueError, match="look alike"):
        checked_name("\u0430dmin")
    assert checked_name("\u0418\u0432\u0430\u043d") == "\u0438\u0432\u0430\u043d"


@pytest.mark.case("LG-32")
@pytest.mark.parametrize(
    "text",
    [
        "alice",
        "alice@",
        "@example.org",
        "a@b@example.org",
        "a@example",
        "a@x.y,b@x.y",
        "a;b@x.y",
        "a@x.y\r\nBcc:b@x.y",
        '"a"@x.y',
        "<a@x.y>",
    ],
)
def test_what_is_no_address(text: str) -> None:
    """An address that could become two, or another header, is refused."""
    with pytest.raises(ValueError, match="must be"):
        checked_email(text)


@given(ANY_TEXT)
def test_canonical_form_is_stable_and_clean(text: str) -> None:
    """For any text at all: no exception; a form that is its own form, short and visible."""
    name = canonical_name(text)
    if name is None:
        return
    assert canonical_name(name) == name
    assert 0 < len(name) <= LONGEST
    assert not any(unicodedata.category(c)[0] in "CZ" for c in name)
    assert canonical_name(unicodedata.normalize("NFD", text)) == canonical_name(unicodedata.normalize("NFC", text))


@given(st.text(alphabet=st.characters(categories=("Lu", "Ll", "Nd")), max_size=40))
def test_case_and_outer_space_never_matter(text: str) -> None:
    """Whatever the letters and digits, their case-folded and their padded forms are the same name."""
    assert canonical_name(f"  {text}\n") == canonical_name(text) == canonical_name(text.casefold())


def test_folding_that_undoes_normalisation() -> None:
    """A dotted capital I with a cedilla, whose folding leaves marks out of order, has one form all the same."""
    name = canonical_name("I\u0327\u0307")
    assert name is not None
    assert canonical_name(name) == name


def test_every_character_folds_to_a_stable_form() -> None:
    """Each character of Unicode alone gives a form that is its own form."""
    for code in range(sys.maxunicode + 1):
        name = canonical_name(chr(code))
        assert name is None or canonical_name(name) == name, hex(code)


@pytest.mark.parametrize(
    "address", ["a@b.example", "a.b+c@b-c.d.example", "A@m\u00fcnchen.example", " a_b@x1.example "]
)
def test_addresses_that_mail_is_sent_to(address: str) -> None:
    """Dot-atoms, in the domain of any script."""
    assert checked_mailable(address) == canonical_name(address)


@pytest.mark.case("LG-32")
@pytest.mark.parametrize(
    "address",
    ["a..b@c.example", "=?utf-8?q?a=40b.example=3e?=@c.example", "g:a@c.example", "a@b(c.example", "a@[c.example",
     "a@c.example:25", "a@c\\.example", "a@-c.example", "\u00e9@c.example", "a@c_d.example", "a"],
)  # fmt: skip
def test_addresses_that_no_mail_is_sent_to(address: str) -> None:
    """What has to be quoted, or stands for another text."""
    with pytest.raises(ValueError, match="must be an e-mail address"):
        checked_mailable(address)
