"""The registry: collisions fail at start, order is by phase, metadata is checked."""

from typing import Any

import pytest

from idp.protocol.errors import InvalidClientMetadata, InvalidRedirectUri
from idp.protocol.parameters import Parameter, parse_text
from idp.protocol.registry import Conflict, Registry
from idp.protocol.spec import Phase, Spec
from idp.specs import SPECS
from tests.provider import House


def test_two_specs_of_one_name() -> None:
    """A specification is registered once."""
    with pytest.raises(Conflict, match="twice"):
        Registry([Spec(name="a", document="A"), Spec(name="a", document="B")])


def test_missing_requirement() -> None:
    """What is required must be registered."""
    with pytest.raises(Conflict, match="requires 'b'"):
        Registry([Spec(name="a", document="A", requires=("b",))])


def test_parameter_of_two_owners() -> None:
    """Two parameters of one name collide, naming both; the very same one may be shared."""
    mine, yours = (Parameter(name="x", parse=parse_text, many=many) for many in (False, True))
    with pytest.raises(Conflict, match="'a' and 'b'"):
        Registry([Spec(name=n, document="", parameters=(p,)) for n, p in (("a", mine), ("b", yours))])
    Registry([Spec(name=n, document="", parameters=(mine,)) for n in ("a", "b")])


def test_checks_run_by_phase() -> None:
    """Whatever the order of registration, checks run by phase."""
    seen: list[Phase] = []
    checks = {phase: lambda *_, phase=phase: seen.append(phase) for phase in Phase}
    pairs = tuple((phase, checks[phase]) for phase in reversed(Phase))
    registry = Registry([Spec(name="a", document="", authorization_checks=pairs)])
    for _, check in registry.authorization_checks:
        check(None, None)  # type: ignore[arg-type]
    assert seen == sorted(Phase)


def test_every_spec_says_what_it_is() -> None:
    """Names and documents are there, and every module's docstring cites its document."""
    assert all(spec.name and spec.document for spec in SPECS)


@pytest.mark.requirement("RFC 7591", "2")
@pytest.mark.parametrize(
    ("uri", "kind"),
    [
        ("https://rp.example/cb", "web"),
        ("https://rp.example/cb?tenant=1", "web"),
        ("http://127.0.0.1/cb", "native"),
        ("http://[::1]:80/cb", "native"),
        ("com.example.app:/cb", "native"),
    ],
)
def test_redirect_uris_that_are_accepted(house: House, uri: str, kind: str) -> None:
    """https for all; loopback and private-use schemes for native clients (RFC 8252 §7)."""
    metadata = {"redirect_uris": [uri], "application_type": kind}
    checked = house.server.registry.check_client_metadata(metadata, house.server.settings)
    assert checked["redirect_uris"] == (uri,)


@pytest.mark.requirement("RFC 7591", "3.2.2")
@pytest.mark.case("CR-04", "AZ-72")
@pytest.mark.parametrize(
    ("uri", "kind"),
    [
        ("http://rp.example/cb", "web"),
        ("http://localhost/cb", "web"),
        ("http://127.0.0.1/cb", "web"),
        ("http://localhost/cb", "native"),
        ("https://rp.example/cb#f", "web"),
        ("/cb", "web"),
        ("https://user@rp.example/cb", "web"),
        ("https://rp.example/cb?code=x&state=y", "web"),
        ("https://rp.example/c b", "web"),
        ("https://rр.example/cb", "web"),
        ("com.example.app:/cb", "web"),
        ("javascript:alert(1)", "native"),
        ("data:text/html,x", "native"),
        ("file:///etc/passwd", "native"),
        ("https://[x", "web"),
        ("https://", "web"),
    ],
)
def test_redirect_uris_that_are_refused(house: House, uri: str, kind: str) -> None:
    """Everything else is an invalid_redirect_uri."""
    with pytest.raises(InvalidRedirectUri):
        house.server.registry.check_client_metadata(
            {"redirect_uris": [uri], "application_type": kind}, house.server.settings
        )


@pytest.mark.requirement("RFC 7591", "3.2.2")
@pytest.mark.parametrize(
    "metadata",
    [
        {"grant_types": ["password"]},
        {"grant_types": "authorization_code"},
        {"response_types": ["token"]},
        {"token_endpoint_auth_method": "private_key_jwt"},
        {"application_type": "desktop"},
        {"client_name": ""},
        {"client_name": "x" * 201},
        {"client_name": "a\nb"},
        {"client_uri": "http://rp.example"},
        {"redirect_uris": [1]},
        {"scope": 7},
    ],
)
def test_other_members_are_checked(house: House, metadata: dict[str, Any]) -> None:
    """A wrong type, an unsupported value or an unprintable name is an invalid_client_metadata."""
    with pytest.raises(InvalidClientMetadata):
        house.server.registry.check_client_metadata(metadata, house.server.settings)
