"""What `serve` refuses: each with the key and a line to paste."""

import os
from pathlib import Path
from typing import Any

import pytest

from idp.settings import Settings, load_settings, switched_on, unsafe

PUBLIC = "https://login.example.org"
KEY = "kT3x0zq1M2c9J4bV5nL6pQ7rS8tU9vWxYzA0BcDeFgH"


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, Any]:
    """Settings of a public provider that is safe."""
    return {"issuer": PUBLIC, "home": tmp_path / "home", "key_encryption_key_file": tmp_path / "keys" / "key"}


def refused(values: dict[str, Any]) -> dict[str, str]:
    """Return key -> remedy of what is refused."""
    return {fault.key: fault.remedy for fault in unsafe(Settings.model_validate(values))}


def test_safe_settings_are_taken(settings: dict[str, Any]) -> None:
    """A new installation, and one on this machine only."""
    assert refused(settings) == {}
    assert refused(settings | {"issuer": "http://idp.localhost:9000"}) == {}
    assert refused(settings | {"issuer": "http://127.0.0.1:9000"}) == {}


@pytest.mark.case("OP-26")
@pytest.mark.parametrize("issuer", ["http://login.example.org", "http://10.0.0.1:9000", "http://localhost.example"])
def test_an_http_issuer_is_refused(settings: dict[str, Any], issuer: str) -> None:
    """Unless somebody says that it is meant."""
    assert refused(settings | {"issuer": issuer}) == {"issuer": 'issuer = "https://login.example.org"'}
    assert refused(settings | {"issuer": issuer, "allow_http_issuer": True}) == {}


@pytest.mark.parametrize("issuer", [PUBLIC, "http://idp.localhost:9000"])
def test_development_mode_is_refused(settings: dict[str, Any], issuer: str) -> None:
    """It shows internals; `idp dev` is for that."""
    assert refused(settings | {"issuer": issuer, "development": True}) == {"development": "development = false"}


@pytest.mark.parametrize("switch", ["allow_loopback_clients", "allow_loopback_outbound", "allow_any_host"])
def test_switches_for_one_machine_are_refused_on_a_public_issuer(settings: dict[str, Any], switch: str) -> None:
    """On loopback they are in order."""
    assert refused(settings | {switch: True}) == {switch: f"{switch} = false"}
    assert refused(settings | {"issuer": "http://idp.localhost:9000", switch: True}) == {}


@pytest.mark.parametrize(
    ("argon2", "is_refused"),
    [
        ({}, False),
        ({"memory_kib": 47_104, "iterations": 1}, False),
        ({"memory_kib": 7_168, "iterations": 5}, False),
        ({"memory_kib": 19_456, "iterations": 1}, True),
        ({"memory_kib": 4_096, "iterations": 50}, True),
    ],
)
def test_cheap_password_hashes_are_refused(settings: dict[str, Any], argon2: dict[str, int], is_refused: bool) -> None:
    """Below the weakest row of OWASP's table."""
    assert bool(refused(settings | {"argon2": argon2})) is is_refused


@pytest.mark.parametrize(
    ("network", "is_refused"),
    [("0.0.0.0/0", True), ("::/0", True), ("10.0.0.0/7", True), ("10.0.0.0/8", False), ("fd00::/16", False)],
)
def test_networks_of_strangers_are_no_proxies(settings: dict[str, Any], network: str, is_refused: bool) -> None:
    """Whoever is in it may state any address."""
    assert ("trusted_proxies" in refused(settings | {"trusted_proxies": [network]})) is is_refused


@pytest.mark.case("OP-24")
@pytest.mark.parametrize("mode", [0o644, 0o660, 0o604, 0o640])
def test_files_that_others_can_read_are_refused(settings: dict[str, Any], mode: int) -> None:
    """The key and the database; the remedy mends it."""
    files = (settings["key_encryption_key_file"], settings["home"] / "signet.sqlite3")
    for file in files:
        file.parent.mkdir()
        file.write_text(KEY)
        file.chmod(mode)
    found = refused(settings)
    assert found == {
        "key_encryption_key_file": f"chmod 600 {files[0]}",
        "database_url": f"chmod 600 {files[1]}",
    }
    for file in files:
        file.chmod(0o600)
    assert refused(settings) == {}


@pytest.mark.usefixtures("tmp_path")
def test_a_database_that_is_no_file_is_not_judged_as_one(settings: dict[str, Any]) -> None:
    """PostgreSQL's URL names none."""
    assert "database_url" not in refused(settings | {"database_url": "postgresql://u:p@h/d"})


@pytest.mark.case("OP-24")
def test_a_configuration_file_with_a_secret_must_be_closed_to_others(tmp_path: Path) -> None:
    """One without a secret may be read by anyone."""
    path = tmp_path / "idp.toml"
    path.write_text(f'home = "{tmp_path}/home"\nkey_encryption_key = "{KEY}"\n')
    path.chmod(0o644)
    loaded = load_settings({}, {}, config=path)
    (fault,) = unsafe(loaded.settings, loaded.sources)
    assert (fault.key, fault.remedy) == (str(path), f"chmod 600 {path}")
    assert KEY not in str(fault)
    path.write_text(f'home = "{tmp_path}/home"\nkey_encryption_key_file = "{tmp_path}/key"\n')
    loaded = load_settings({}, {}, config=path)
    assert unsafe(loaded.settings, loaded.sources) == []


def test_a_key_that_is_no_file_is_refused(settings: dict[str, Any]) -> None:
    """A directory where the key should be."""
    settings["key_encryption_key_file"].mkdir(parents=True)
    assert "key_encryption_key_file" in refused(settings)


@pytest.mark.case("OP-25")
def test_a_key_that_cannot_be_made_is_refused(settings: dict[str, Any], tmp_path: Path) -> None:
    """There is neither a key nor a place for one; a key from outside helps."""
    (tmp_path / "file").write_text("")
    settings["key_encryption_key_file"] = tmp_path / "file" / "keys" / "key"
    assert "mkdir" in refused(settings)["key_encryption_key_file"]
    assert refused(settings | {"key_encryption_key": KEY}) == {}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_directory_of_somebody_else_is_refused(settings: dict[str, Any]) -> None:
    """The key cannot be made there."""
    settings["key_encryption_key_file"] = Path("/root-only/keys/key")
    assert "key_encryption_key_file" in refused(settings)


def test_every_fault_names_the_source(tmp_path: Path) -> None:
    """And the line is in the manner of the source."""
    loaded = load_settings(
        {"allow_any_host": "true", "home": str(tmp_path)},
        {"IDP_DEVELOPMENT": "yes", "IDP_KEY_ENCRYPTION_KEY": KEY, "IDP_ISSUER": PUBLIC},
    )
    found = {fault.key: (fault.source, fault.remedy) for fault in unsafe(loaded.settings, loaded.sources)}
    assert found == {
        "development": ("environment IDP_DEVELOPMENT", "IDP_DEVELOPMENT=false"),
        "allow_any_host": ("command line", "--set allow_any_host=false"),
    }


def test_dangerous_switches_are_known_by_name() -> None:
    """What is on is told at every start."""
    assert switched_on(Settings()) == ()
    assert switched_on(Settings(allow_any_host=True, development=True)) == ("development", "allow_any_host")
    assert {name for name in Settings.model_fields if name.startswith("allow_")} == {
        *("allow_http_issuer", "allow_loopback_clients", "allow_loopback_outbound", "allow_any_host"),
        *("allow_insecure_mail", "allow_mailed_codes"),
    }
