"""Names by which an account signs in: one canonical form decides equality everywhere (R10)."""

import re
import unicodedata

# RFC 5321 §4.5.3.1.3: no e-mail address is longer.
LONGEST = 254
# Control, format (zero-width, bidirectional), surrogate, private-use, unassigned; and any white space inside.
REFUSED = {"Cc", "Cf", "Cs", "Co", "Cn", "Zs", "Zl", "Zp"}
# What those categories leave and no font shows: joiners, fillers, variation selectors (UAX #44,
# Default_Ignorable_Code_Point), the empty Braille pattern. Two names that look the same must not differ by them.
INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)

# What a mail can be addressed to without quotes or extensions (RFC 5322 §3.4.1): dot-atoms, the first one in ASCII.
_ATOM = r"[A-Za-z0-9!#$%&*+/=?^_`{|}~-]+"
_LABEL = r"[^\W_](?:(?:[^\W_]|-)*[^\W_])?"
MAILABLE = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})+")


def canonical_name(text: str) -> str | None:
    """Return the form under which a name is stored and looked up, or None for what can be no name.

    NFKC and case folding, twice, for one may undo the other; a name that looks like another but is written in another
    script stays another name."""
    if len(text) > 4 * LONGEST:
        return None
    folded = text.strip()
    for _ in range(2):
        folded = unicodedata.normalize("NFKC", folded).casefold()
    if not 0 < len(folded) <= LONGEST or INVISIBLE.search(folded):
        return None
    return None if any(unicodedata.category(c) in REFUSED for c in folded) else folded


def checked_name(text: str) -> str:
    """Return the canonical form of a name to be created. Raises ValueError saying what is wrong."""
    name = canonical_name(text)
    if name is None:
        raise ValueError(f"must be 1 to {LONGEST} printable characters without spaces")
    scripts = {unicodedata.name(c, "").split(" ")[0] for c in name if c.isalpha()}
    # Latin beside Cyrillic or Greek is how one name is made to look like another (LG-41).
    if len(scripts & {"LATIN", "CYRILLIC", "GREEK"}) > 1:
        raise ValueError("mixes letters of scripts that look alike")
    return name


def checked_email(text: str) -> str:
    """Return the canonical form of an e-mail address. Raises ValueError."""
    name = checked_name(text)
    local, at, domain = name.rpartition("@")
    if not (at and local and "." in domain.strip(".") and "@" not in local) or any(c in name for c in ",;<>\"'"):
        raise ValueError("must be an e-mail address")
    return name


def checked_mailable(text: str) -> str:
    """Return the canonical form of an e-mail address that a mail is to be sent to: whoever mistypes theirs is told at
    once, and does not wait for a mail that cannot be written. Raises ValueError."""
    name = checked_email(text)
    # An encoded word stands for another text (RFC 2047 §5), such as another address.
    if not MAILABLE.fullmatch(text.strip()) or "=?" in text:
        raise ValueError("must be an e-mail address")
    return name
