"""The languages that people are spoken to in, and which of them someone wants (RFC 4647 §3.4, RFC 9110 §12.5.4).

What others send of languages is bounded and never refused: whatever is no language of ours is passed over.
"""

import re
from collections.abc import Iterable, Mapping

SOURCE_LANGUAGE = "en"
# By the tag of its catalogue: what each is called by who speaks it.
LANGUAGES: Mapping[str, str] = {
    "en": "English",
    "de": "Deutsch",
    "fr": "Français",
    "es": "Español",
    "pt": "Português",
    "ja": "日本語",
    "zh-Hans": "简体中文",
    "ar": "العربية",
}
# Languages written from right to left (CLDR characterOrder).
RIGHT_TO_LEFT = frozenset({"ar", "ckb", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"})
# Chinese is spoken of by region more often than by script; the traditional one is another language to read.
_BY_ANOTHER_NAME: Mapping[str, str | None] = {
    "zh": "zh-Hans",
    "zh-hant": None,
    "zh-hk": None,
    "zh-mo": None,
    "zh-tw": None,
}
_KNOWN: Mapping[str, str | None] = {**{tag.lower(): tag for tag in LANGUAGES}, **_BY_ANOTHER_NAME}
_LONGEST_HEADER, _LONGEST_TAG, _MOST_TAGS = 1_000, 35, 20
_QUALITY = re.compile(r"q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)")


def translatable(text: str) -> str:
    """Return the text as it is: it marks one that is shown to people, and so belongs into every catalogue."""
    return text


def accepted_languages(header: str) -> tuple[str, ...]:
    """Return the tags of an Accept-Language header, the most wanted first; what is malformed is passed over."""
    found = []
    for part in header[:_LONGEST_HEADER].split(",")[:_MOST_TAGS]:
        tag, _, parameter = part.partition(";")
        quality = _QUALITY.fullmatch(parameter.strip().lower() or "q=1")
        if quality is not None and float(quality[1]) > 0:
            found.append((float(quality[1]), tag.strip()))
    return tuple(tag for _, tag in sorted(found, key=lambda each: -each[0]))


def best_language(wanted: Iterable[str]) -> str | None:
    """Return the language of ours that is wanted most: of each tag in turn, itself or the nearest that it is a kind of
    (RFC 4647 §3.4). None where none of them is ours."""
    for tag, _ in zip(wanted, range(_MOST_TAGS), strict=False):
        found = _language_of(tag)
        if found is not None:
            return found
    return None


def direction_of(tag: str) -> str:
    """Return `rtl` or `ltr`, as HTML says it."""
    return "rtl" if tag.partition("-")[0].lower() in RIGHT_TO_LEFT else "ltr"


def _language_of(tag: str) -> str | None:
    subtags = tag[: _LONGEST_TAG + 1].lower().replace("_", "-").split("-")
    if len(tag) > _LONGEST_TAG:
        return None
    for length in range(len(subtags), 0, -1):
        shorter = "-".join(subtags[:length])
        if shorter in _KNOWN:
            return _KNOWN[shorter]
    return None
