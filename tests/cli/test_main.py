"""The command line as a whole: its commands, how they fail, `config`, `migrate`, `version`, `healthcheck`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from idp import __version__
from idp.cli import COMMANDS
from tests.cli.conftest import CommandLine
from tests.cli.processes import clean_environment


def test_every_command_has_help(bare: CommandLine) -> None:
    """And the list of all shows a sentence for each."""
    listing = bare.run("--help").stdout
    for name in COMMANDS:
        assert f"\n  {name} " in listing
        assert "Usage: " in bare.run(name, "-h").stdout


@pytest.mark.parametrize("arguments", [("bogus",), ("--bogus",), ("user", "bogus"), ("user", "add"), ("--set", "x")])
def test_wrong_use_is_status_2(bare: CommandLine, arguments: tuple[str, ...]) -> None:
    """And says so on standard error."""
    assert "Error:" in bare.refused(*arguments, status=2)


def test_light_commands_load_little() -> None:
    """What containers run every few seconds, and what the demo starts with, does not load the provider."""
    program = (
        "import sys, idp.cli.healthcheck, idp.cli.config, idp.cli.version, idp.cli.demo;"
        "print([m for m in ('starlette', 'sqlalchemy', 'cryptography', 'jinja2', 'structlog') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout == "[]\n"


def test_a_start_loads_nothing_that_only_some_need(tmp_path: Path) -> None:
    """Neither what speaks to others and verifies their certificates, nor what passkeys, codes and languages need."""
    program = (
        "import sys, idp.cli.running; from idp.app import create_app; from idp.outbound.guard import trust;"
        "create_app();"
        "print([m for m in ('httpcore2', 'webauthn', 'zxcvbn', 'segno', 'babel') if m in sys.modules],"
        "trust.cache_info().currsize)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**clean_environment(), "IDP_HOME": str(tmp_path), "IDP_KEY_ENCRYPTION_KEY_FILE": str(tmp_path / "key")},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == "[] 0\n"


def test_version(bare: CommandLine) -> None:
    """For people and for programs."""
    assert bare.run("version").stdout == f"{__version__}\n"
    assert bare.read("version")["version"] == __version__


def test_it_runs_as_a_module(bare: CommandLine) -> None:
    """`python -m idp` is `idp`."""
    done = subprocess.run(
        [sys.executable, "-m", "idp", "--help"], capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout.startswith("Usage: idp ")


def test_migrate_twice(bare: CommandLine) -> None:
    """The second time there is nothing to do."""
    assert "current" in bare.run("migrate").stdout
    assert "current" in bare.run("migrate").stdout


@pytest.mark.parametrize(
    "command",
    [("user", "list"), ("client", "list"), ("keys", "rotate"), ("session", "list", "alice"), ("resource", "list")],
)
def test_a_missing_database_is_said_and_not_made(bare: CommandLine, command: tuple[str, ...]) -> None:
    """Made silently in the wrong place it would look like lost data."""
    said = bare.refused(*command)
    assert "There is no database at .signet/signet.sqlite3" in said
    assert "idp migrate" in said
    assert not (bare.directory / ".signet").exists()


def test_a_file_that_is_no_database_is_refused(bare: CommandLine) -> None:
    """And not changed."""
    path = Path("garbage.sqlite3")
    path.write_text("this is not a database" * 100)
    bare.environment["IDP_DATABASE_URL"] = f"sqlite:///{path}"
    assert "The database cannot be used" in bare.refused("user", "list")
    assert "The database cannot be used" in bare.refused("migrate")
    assert path.read_text().startswith("this is not")


def test_bad_settings_stop_every_command(bare: CommandLine) -> None:
    """Status 2, and every fault is told."""
    bare.environment |= {"IDP_PROT": "1", "IDP_PORT": "x"}
    for command in (("user", "list"), ("config", "show"), ("config", "check"), ("serve",), ("healthcheck",)):
        said = bare.refused(*command, status=2)
        assert "Did you mean IDP_PORT?" in said
        assert "'x' is not a whole number" in said


def test_config_show_tells_values_and_sources(bare: CommandLine) -> None:
    """Secrets are masked."""
    bare.environment |= {"IDP_PORT": "9100", "IDP_KEY_ENCRYPTION_KEY": "kT3x0zq1M2c9J4bV5nL6pQ7rS8tU9vWxYzA0BcDeFgH"}
    Path("other.toml").write_text('log_level = "debug"\n')
    shown = json.loads(bare.run("--config", "other.toml", "--set", "host=::1", "config", "show", "--json").stdout)
    assert shown["port"] == {"value": "9100", "source": "environment IDP_PORT"}
    assert shown["log_level"] == {"value": "debug", "source": "other.toml"}
    assert shown["host"] == {"value": "::1", "source": "command line"}
    assert shown["lifetimes.code_seconds"] == {"value": "60", "source": "default"}
    assert shown["key_encryption_key"] == {"value": "(secret)", "source": "environment IDP_KEY_ENCRYPTION_KEY"}
    assert "9100  (environment IDP_PORT)" in bare.run("config", "show").stdout
    assert "kT3x" not in bare.run("config", "show").output


def test_config_check_tells_what_serve_would_say(bare: CommandLine) -> None:
    """Fit or not, with every fault and its remedy."""
    bare.environment.clear()
    assert "fit to serve" in bare.run("config", "check").stdout
    assert bare.read("config", "check") == {"fit": True, "faults": []}
    bare.environment |= {"IDP_DEVELOPMENT": "true", "IDP_ISSUER": "http://login.example.org"}
    said = bare.refused("config", "check")
    assert "IDP_DEVELOPMENT=false" in said
    assert "IDP_ISSUER=https://login.example.org" in said
    answer = json.loads(bare.run("config", "check", "--json", status=1).stdout)
    assert answer["fit"] is False
    assert {fault["key"] for fault in answer["faults"]} == {"development", "issuer"}
    assert set(answer["faults"][0]) == {"key", "source", "problem", "remedy"}


def test_config_check_tells_bad_settings_as_json_too(bare: CommandLine) -> None:
    """Programs get one shape whatever is wrong."""
    bare.environment["IDP_PORT"] = "x"
    answer = json.loads(bare.run("config", "check", "--json", status=1).stdout)
    assert [fault["key"] for fault in answer["faults"]] == ["port"]


def test_healthcheck_without_a_provider(bare: CommandLine) -> None:
    """Status 1, and what to do."""
    assert "Nothing answers" in bare.refused("--set", "port=1", "healthcheck")
