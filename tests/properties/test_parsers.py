"""Whatever is sent, a parser answers with a value or a refusal (R1)."""

import contextlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idp.protocol.bearer import read_bearer_token
from idp.protocol.errors import InvalidClient, ProtocolError
from idp.protocol.messages import Request
from idp.protocol.parameters import Params, parse_words
from idp.protocol.registry import Registry
from idp.specs import SPECS
from idp.specs.client_secrets import parse_basic
from idp.specs.oauth2 import is_redirect_uri
from idp.specs.oidc_core import parse_max_age
from idp.specs.pkce import parse_challenge
from idp.specs.resource_indicators import parse_resource
from idp.stores.records import Client
from idp.web.cookies import Cookies
from idp.web.parsing import parse_fields
from tests.provider import House

KNOWN = Registry(SPECS).parameters
TEXT = st.text(max_size=200)
REGISTERED = "https://rp.example/cb"
LOOPBACK = "http://127.0.0.1/cb"
PATHS = [
    *(endpoint.path for spec in SPECS for endpoint in spec.endpoints),
    *("/login", "/consent", "/accounts", "/", "/nothing"),
]


@given(st.binary(max_size=300))
def test_fields(raw: bytes) -> None:
    """Any query is fields or a refusal."""
    try:
        fields = parse_fields(raw)
    except ProtocolError:
        return
    assert all("\0" not in name + value for name, value in fields)


@given(st.lists(st.tuples(st.sampled_from([*KNOWN, "other"]), TEXT), max_size=8))
def test_params(fields: list[tuple[str, str]]) -> None:
    """A known single parameter is there once or refused; empty is absent."""
    try:
        params = Params.read(fields, KNOWN)
    except ProtocolError:
        return
    for name, values in params.pairs().items():
        assert name in KNOWN
        assert all(values)
        assert KNOWN[name].many or len(values) == 1


@pytest.mark.parametrize("parse", [parse_max_age, parse_challenge, parse_resource, parse_words])
@given(text=st.one_of(TEXT, st.from_regex(r"[0-9.eE+_²１-]{1,12}"), st.just("9" * 5000)))
def test_values(parse: object, text: str) -> None:
    """Every parser of a value answers."""
    try:
        found = parse(text)  # type: ignore[operator]
    except ProtocolError:
        return
    assert not isinstance(found, int) or 0 <= found < 10**10


@given(st.one_of(TEXT, st.from_regex(r"https?://[a-z0-9.:@\[\]/%?#\\-]{0,30}")), st.sampled_from(["web", "native"]))
def test_redirect_uri(asked: str, kind: str) -> None:
    """Nothing but a registered URI is taken, and for native clients one that differs in its port alone."""
    client = Client(client_id="c", metadata={"application_type": kind})
    for registered in (REGISTERED, LOOPBACK):
        if is_redirect_uri(asked, registered, client) and asked != registered:
            assert (kind, registered) == ("native", LOOPBACK)
            assert asked.startswith("http://127.0.0.1:")
            assert asked.endswith("/cb")
            assert asked[17:-3].isdigit()


@given(st.one_of(TEXT, st.binary(max_size=60).map(lambda raw: raw.decode("latin-1"))))
def test_authorization_headers(text: str) -> None:
    """Basic and Bearer headers are read or refused."""
    with_scheme = f"Basic {text}"
    with contextlib.suppress(InvalidClient):
        parse_basic(with_scheme)
    try:
        token = read_bearer_token(Request(method="GET", path="/", authorization=(f"Bearer {text}",)))
        assert token
    except ProtocolError:
        pass


@given(st.lists(TEXT, max_size=4))
def test_cookies(headers: list[str]) -> None:
    """Any cookies give a browser whose parts are well-formed."""
    browser = Cookies(secure=True, remembered_seconds=1).read(headers)
    assert all(len(handle) == 43 for handle in browser.session_handles)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "get"]),
    path=st.sampled_from(PATHS),
    query=st.dictionaries(st.sampled_from([*KNOWN, "flow", "x"]), TEXT, max_size=4),
    form=st.dictionaries(
        st.sampled_from([*KNOWN, "token", "code", "grant_type", "flow", "csrf_token"]), TEXT, max_size=4
    ),
)
def test_any_request_is_answered(
    house: House, method: str, path: str, query: dict[str, str], form: dict[str, str]
) -> None:
    """No request gives a server error."""
    try:
        query_ok = {name: value for name, value in query.items() if value.isprintable()}
        response = house.browser().request(method, path, params=query_ok, data=form if method == "POST" else None)
    except UnicodeEncodeError:
        return
    assert response.status_code < 500
    assert "x-request-id" in response.headers
