"""The commands over PostgreSQL."""

from pathlib import Path

import pytest

from tests.cli.conftest import CommandLine
from tests.cli.processes import get, running, wait_for
from tests.faults.relay import Relay
from tests.ports import answers, free_port
from tests.postgresql import Server


@pytest.fixture
def over_postgresql(bare: CommandLine, postgresql_url: str) -> CommandLine:
    """A command line whose database is PostgreSQL's; the server trusts any password."""
    bare.environment["IDP_DATABASE_URL"] = postgresql_url.replace("signet@", "signet:geheim@")
    return bare


def test_commands_work_and_keep_the_password_to_themselves(over_postgresql: CommandLine) -> None:
    """Nothing is a file; what is shown is masked."""
    said = over_postgresql.run("migrate").stdout
    assert "signet:***@127.0.0.1" in said
    over_postgresql.run("user", "add", "carol", "--password-stdin", stdin="correct horse battery staple")
    assert [row["username"] for row in over_postgresql.read("user", "list")] == ["carol"]
    assert "geheim" not in said + over_postgresql.run("config", "show").stdout
    assert not list(Path(over_postgresql.directory).glob("*sqlite*"))


def test_database_that_is_not_there_is_said(bare: CommandLine, postgresql: Server) -> None:
    """A wrong name, an empty database and a server that is away: each says what it is, none is a crash."""
    bare.environment["IDP_DATABASE_URL"] = postgresql.url("nowhere")
    assert '"nowhere" does not exist' in bare.refused("user", "list")
    empty = postgresql.make_database("template1")
    bare.environment["IDP_DATABASE_URL"] = empty
    assert "idp migrate" in bare.refused("user", "list")
    postgresql.drop_database(empty)
    bare.environment["IDP_DATABASE_URL"] = f"postgresql://signet:geheim@127.0.0.1:{free_port()}/signet"
    said = bare.refused("user", "list")
    assert "The database cannot be used" in said
    assert "geheim" not in said


def test_provider_serves_over_postgresql(tmp_path: Path, postgresql_url: str) -> None:
    """`serve` comes up, says that it is ready, and ends in time."""
    port = free_port()
    environment = {"IDP_DATABASE_URL": postgresql_url, "IDP_ISSUER": f"http://idp.localhost:{port}"}
    with running(tmp_path, "serve", "--port", str(port), environment=environment) as provider:
        wait_for(lambda: answers(port), provider.said())
        assert get(port, "/health/ready").status == 200
        assert provider.stop() == 0
    assert not (tmp_path / ".signet").exists()


def test_serve_waits_for_a_server_that_is_not_there_yet(
    tmp_path: Path, postgresql: Server, postgresql_url: str
) -> None:
    """It says that it waits, takes no connections meanwhile, and comes up by itself once the server answers."""
    port, place = free_port(), free_port()
    url = postgresql_url.replace(str(postgresql.port), str(place))
    environment = {"IDP_DATABASE_URL": url, "IDP_ISSUER": f"http://idp.localhost:{port}"}
    with running(tmp_path, "serve", "--port", str(port), environment=environment) as provider:
        wait_for(lambda: "does not answer; waiting" in provider.said(), provider.said())
        assert not answers(port)
        with Relay(postgresql.port, place):
            wait_for(lambda: answers(port), provider.said())
            assert get(port, "/health/ready").status == 200
            assert provider.stop() == 0
