"""Commands run in this process against a database of their own."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from idp.cli import main
from idp.settings import load_settings
from idp.stores.interfaces import Storage
from idp.stores.sql.storage import SqlStorage

CHEAP = {"IDP_ARGON2__MEMORY_KIB": "8", "IDP_ARGON2__ITERATIONS": "1"}


@dataclass
class CommandLine:
    """The command line of one provider."""

    directory: Path
    environment: dict[str, str]

    def run(self, *arguments: str, stdin: str = "", status: int = 0) -> Result:
        """Run a command; its status must be as expected."""
        result = CliRunner().invoke(main, arguments, input=stdin, env={**self.environment})
        assert result.exit_code == status, (result.output, result.exception)
        return result

    def read(self, *arguments: str) -> Any:
        """Return what a command says as JSON."""
        return json.loads(self.run(*arguments, "--json").stdout)

    def refused(self, *arguments: str, stdin: str = "", status: int = 1) -> str:
        """Return what a refused command says, all of it on standard error."""
        result = self.run(*arguments, stdin=stdin, status=status)
        assert result.stdout == ""
        assert "Traceback" not in result.stderr
        return result.stderr

    @property
    def storage(self) -> Storage:
        """The database."""
        return SqlStorage(load_settings({}, self.environment).settings.database_url)


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CommandLine]:
    """A command line in an empty directory."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("IDP_")]:
        monkeypatch.delenv(name)
    before = os.umask(0o022)
    yield CommandLine(tmp_path, dict(CHEAP))
    os.umask(before)


@pytest.fixture
def cli(bare: CommandLine) -> CommandLine:
    """A command line with a database."""
    bare.run("migrate")
    return bare
