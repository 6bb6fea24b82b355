"""`idp backup` and `idp restore`."""

import stat
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import CommandLine
from tests.cli.processes import running, wait_for
from tests.ports import answers, free_port
from tests.postgresql import Server

PASSWORD = "correct horse battery staple"


@pytest.fixture
def filled(cli: CommandLine) -> CommandLine:
    """A command line with alice and two clients in the database, and keys."""
    cli.run("user", "add", "alice", "--password-stdin", stdin=PASSWORD)
    cli.run("client", "add", "web", "--redirect-uri", "https://rp.example/cb")
    cli.run("client", "add", "hs", "--auth", "client_secret_jwt", "--redirect-uri", "https://rp.example/cb")
    cli.environment["IDP_KEYS__ALGORITHMS"] = "RS256,ES256"
    cli.environment["IDP_KEYS__DECRYPTION_ALGORITHMS"] = ""
    return cli


def users(cli: CommandLine) -> list[Any]:
    """Return who there is."""
    return [row["username"] for row in cli.read("user", "list")]


def test_there_and_back(filled: CommandLine) -> None:
    """A backup for the owner's eyes only; restored in place of what came after it; the audit tells."""
    assert "as they were at 2" in filled.run("backup", "b").stdout
    assert stat.S_IMODE(Path("b").stat().st_mode) == 0o600
    filled.run("user", "add", "late", "--password-stdin", stdin=PASSWORD)
    assert "whole" in filled.run("restore", "--check", "b").stdout
    said = filled.refused("restore", "b")
    assert "holds data already" in said
    assert "--replace" in said
    said = filled.run("--set", "port=1", "restore", "--replace", "b").stdout
    assert "1 accounts, 2 clients" in said
    assert "idp user disable" in said
    assert users(filled) == ["alice"]
    assert {row["state"] for row in filled.read("keys", "list")} == {"active", "next"}
    with filled.storage.snapshot() as uow:
        names = [event.name for event in uow.audit.list()]
    assert "backup.restored" in names


def test_nothing_is_written_over_by_mistake(filled: CommandLine) -> None:
    """A file that is there, unless told."""
    Path("b").write_text("precious")
    assert "--force" in filled.refused("backup", "b")
    assert Path("b").read_text() == "precious"
    filled.run("backup", "--force", "b")
    assert "whole" in filled.run("restore", "--check", "b").stdout
    assert not list(Path().glob(".b.*"))


def test_through_pipes(filled: CommandLine) -> None:
    """Standard output holds the file and nothing else, standard input is taken as it comes."""
    made = filled.run("backup", "-")
    Path("b").write_bytes(made.stdout_bytes)
    assert "Written" in made.stderr
    assert "whole" in filled.run("restore", "--check", "-", stdin=made.stdout_bytes).stdout  # type: ignore[arg-type]
    assert "whole" in filled.run("restore", "--check", "b").stdout


@pytest.mark.parametrize("command", [("restore", "--check"), ("--set", "port=1", "restore", "--replace")])
def test_damaged_file_is_refused_before_anything_is_written(filled: CommandLine, command: tuple[str, ...]) -> None:
    """And said so."""
    filled.run("backup", "b")
    whole = Path("b").read_bytes()
    Path("b").write_bytes(whole[:-9])
    assert "cannot be restored: it is" in filled.refused(*command, "b")
    Path("b").write_text("hello")
    assert "no backup" in filled.refused(*command, "b")
    assert users(filled) == ["alice"]


def test_wrong_key_is_refused_and_a_lost_one_can_be_done_without(filled: CommandLine) -> None:
    """What is sealed opens under its own key only; without it some clients need new secrets, which are named."""
    filled.run("backup", "b")
    key = Path("keys/key-encryption.key")
    key.unlink()
    assert "Restore it from your backup" in filled.refused("restore", "--check", "b")
    assert not key.exists()
    filled.environment["IDP_KEY_ENCRYPTION_KEY"] = "kT3x0zq1M2c9J4bV5nL6pQ7rS8tU9vWxYzA0BcDeFgH"
    filled.environment["IDP_HOME"] = "elsewhere"
    said = filled.refused("restore", "b")
    assert "not the one that belongs to this backup" in said
    assert "--lost-key" in said
    assert not Path("elsewhere").exists()
    said = filled.run("restore", "--lost-key", "b").stdout
    assert "rotate-secret ID\n  - hs" in said
    with filled.storage.snapshot() as uow:
        found = uow.clients.find("hs")
    assert found is not None
    assert found.sealed_secret is None
    assert "Secret, shown" in filled.run("client", "rotate-secret", "hs").stdout
    assert filled.refused("restore", "--lost-key", "--move", "b", status=2)


def test_other_issuer_is_warned_of(filled: CommandLine) -> None:
    """A rehearsal elsewhere is good use; a mistake should show."""
    filled.run("backup", "b")
    filled.environment["IDP_ISSUER"] = "https://other.example"
    assert "Warning: the backup is of http://idp.localhost:9000" in filled.run("restore", "--check", "b").stderr


def test_running_provider_is_not_pulled_from_under(filled: CommandLine) -> None:
    """Replacing is refused while it answers; a backup is not."""
    port = free_port()
    url = f"sqlite:///{filled.directory / '.signet' / 'signet.sqlite3'}"
    environment = {"IDP_DATABASE_URL": url, "IDP_ISSUER": f"http://idp.localhost:{port}"}
    with running(filled.directory, "serve", "--port", str(port), environment=environment) as provider:
        wait_for(lambda: answers(port), provider.said())
        filled.run("backup", "b")
        said = filled.refused("--set", f"port={port}", "restore", "--replace", "b")
        assert "The provider is running" in said


@pytest.mark.case("OP-28")
def test_move_from_sqlite_to_postgresql(filled: CommandLine, postgresql: Server) -> None:
    """As the how-to says it; and what the old database knows can be taken over the other way."""
    filled.run("backup", "b")
    old = f"sqlite:///{filled.directory / '.signet' / 'signet.sqlite3'}"
    filled.environment["IDP_DATABASE_URL"] = url = postgresql.make_database("template1")
    assert "Never start a provider on the old database" in filled.run("restore", "--move", "b").stdout
    assert users(filled) == ["alice"]
    filled.run("user", "disable", "alice")
    filled.run("backup", "c")
    filled.run("user", "enable", "alice")
    filled.environment["IDP_DATABASE_URL"] = old
    said = filled.run("--set", "port=1", "restore", "--replace", "--after", url, "c").stdout
    assert "Taken over from the old database: 1 accounts and 0 clients" in said
    assert filled.read("user", "list")[0]["enabled"] is True
    postgresql.drop_database(url)
    said = filled.refused("--set", "port=1", "restore", "--replace", "--after", url, "c")
    assert "does not exist" in said
    assert users(filled) == ["alice"]
