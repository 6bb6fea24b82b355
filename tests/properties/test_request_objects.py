"""Whatever JSON stands in a request object: it becomes parameters as a query has them, or is refused."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from idp.protocol.errors import InvalidRequest, InvalidRequestObject
from idp.protocol.registry import Registry
from idp.protocol.request_objects import read_members
from idp.specs import SPECS

KNOWN = Registry(SPECS).parameters
TEXT = st.text(st.sampled_from('a é😀"\\{\0\ud800'), max_size=6)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | TEXT
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3))


@given(st.dictionaries(st.sampled_from([*KNOWN, "iss", "exp", "unknown"]), VALUES, max_size=6))
def test_members_become_texts_or_are_refused(claims: dict[str, Any]) -> None:
    """Only texts of known parameters, which UTF-8 can spell and a database keep; nothing but a refusal is raised."""
    try:
        pairs = read_members(claims, KNOWN).pairs()
    except (InvalidRequestObject, InvalidRequest):
        return
    assert not {"request", "request_uri"} & claims.keys()
    assert pairs.keys() <= KNOWN.keys() & claims.keys()
    for name, texts in pairs.items():
        assert len(texts) == 1 or KNOWN[name].many
        for text in texts:
            assert text
            assert "\0" not in text
            assert text.encode()
        if isinstance(claims[name], dict):
            assert KNOWN[name].json
            assert json.loads(texts[0]).keys() == claims[name].keys()
