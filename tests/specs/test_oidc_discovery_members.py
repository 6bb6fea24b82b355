"""OIDC Discovery §3, RFC 8414 §2: every member of the document is proven, under each profile; none goes unseen."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from idp.protocol.profiles import PROFILES, Profile
from idp.protocol.registry import Registry
from idp.settings import Settings
from idp.specs import SPECS
from idp.stores.sql.storage import SqlStorage
from tests.provider import ISSUER, House, make_house
from tests.specs.discovery_proofs import PROOFS


def members() -> list[tuple[Profile, str]]:
    """Return every member under every profile; whatever can be turned on is on."""
    return [
        (profile, name)
        for profile in PROFILES
        for name in Registry(SPECS).server_metadata(Settings(issuer=ISSUER, profile=profile, registration="open"))
    ]


@pytest.fixture
def profiled(tmp_path: Path, ready_keys: None, request: pytest.FixtureRequest) -> Iterator[House]:
    """A provider of a profile, with alice and a client."""
    storage = SqlStorage(f"sqlite:///{tmp_path}/signet.sqlite3")
    storage.migrate()
    made = make_house(storage, tmp_path / "key-encryption.key", profile=request.param, registration="open")
    made.add_client("web")
    made.add_account("alice")
    yield made
    storage.close()


@pytest.mark.requirement("OIDC Discovery 1.0", "3")
@pytest.mark.requirement("RFC 8414", "2")
@pytest.mark.parametrize(("profiled", "member"), members(), indirect=["profiled"])
def test_what_is_advertised_is_what_runs(profiled: House, member: str) -> None:
    """What is listed works, what stands beside it does not."""
    document: dict[str, Any] = profiled.browser().get("/.well-known/openid-configuration").json()
    assert document[member] not in (None, [], "", {})
    PROOFS[member](profiled, document[member])


def test_no_proof_is_left_over() -> None:
    """What is no longer advertised needs no proof."""
    assert set(PROOFS) == {member for _, member in members()}
