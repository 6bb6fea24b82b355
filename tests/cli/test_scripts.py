"""`./demo` and `./check` as shell scripts: what they do on machines that lack something. No test uses the network."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.cli.processes import ROOT

TOOLS = ("sh", "bash", "dash", "env", "dirname", "cat", "cksum", "date", "id", "rm", "touch")

SIDE_BY_SIDE = "-n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The scripts alone, in a directory whose `bin` is all that PATH has."""
    for name in ("demo", "check", "scripts/environment.sh", "pyproject.toml"):
        target = tmp_path / name
        target.parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, target)
    (tmp_path / "bin").mkdir()
    for tool in TOOLS:
        if found := shutil.which(tool):
            (tmp_path / "bin" / tool).symlink_to(found)
    return tmp_path


def program(checkout: Path, name: str, text: str) -> None:
    """Put a program into PATH."""
    path = checkout / "bin" / name
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)


def run(
    checkout: Path, *command: str, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a script in the checkout."""
    return subprocess.run(
        command,
        cwd=checkout,
        env={"PATH": str(checkout / "bin")} | dict(environment or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


def installed(checkout: Path, what: str) -> Path:
    """Make an environment that is up to date, whose Python writes down its arguments; return where."""
    calls = checkout / "calls"
    python = checkout / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\necho "$@" >>"{calls}"\n')
    python.chmod(0o755)
    (checkout / ".venv/bin/lint-imports").symlink_to(python)
    stamp = run(checkout, "sh", "-c", 'echo "$1 $(cksum <pyproject.toml) $PWD"', "sh", what).stdout
    (checkout / ".venv/installed").write_text(stamp)
    return calls


@pytest.mark.parametrize("script", ["./demo", "./check"])
def test_without_python_it_says_how_to_get_one(checkout: Path, script: str) -> None:
    """With the commands of usual systems, and nothing is made."""
    done = run(checkout, script)
    assert done.returncode == 1
    assert "Python 3.11 or newer is needed" in done.stderr
    assert "apt-get install python3 python3-venv" in done.stderr
    assert not (checkout / ".venv").exists()


def test_an_old_python_is_not_taken(checkout: Path) -> None:
    """Its answer to the question for its version counts, not its name."""
    program(checkout, "python3", "exit 1\n")
    assert "Python 3.11 or newer is needed" in run(checkout, "./demo").stderr


def test_a_python_without_venv_is_told_apart(checkout: Path) -> None:
    """Debian splits it off; the package is named with the version."""
    program(
        checkout,
        "python3.12",
        'case "$2" in *ensurepip*) exit 1 ;; *"%d.%d"*) echo 3.12 ;; esac\nexit 0\n',
    )
    done = run(checkout, "./demo")
    assert done.returncode == 1
    assert "apt-get install python3.12-venv" in done.stderr
    assert not (checkout / ".venv").exists()


@pytest.mark.parametrize("shell", ["bash", "dash"])
def test_an_up_to_date_environment_is_used_at_once(checkout: Path, shell: str) -> None:
    """Options are handed on; any shell will do."""
    if not (checkout / "bin" / shell).exists():
        pytest.skip(f"the machine has no {shell}")
    calls = installed(checkout, ".")
    done = run(checkout, shell, "demo", "--first-port", "9100")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert calls.read_text().splitlines()[-1] == "-m idp demo --first-port 9100"
    assert "pip" not in calls.read_text()


def test_a_changed_pyproject_is_installed_again(checkout: Path) -> None:
    """And the stamp is renewed."""
    calls = installed(checkout, ".")
    with (checkout / "pyproject.toml").open("a") as file:
        file.write("# changed\n")
    done = run(checkout, "./demo")
    assert done.returncode == 0, done.stderr
    assert "Installing" in done.stderr
    assert "-m pip install --disable-pip-version-check --no-input --editable . --quiet" in calls.read_text()
    calls.unlink()
    run(checkout, "./demo")
    assert "pip" not in calls.read_text()


def test_a_failed_installation_is_told_and_tried_again(checkout: Path) -> None:
    """It leaves no stamp."""
    installed(checkout, "something else")
    (checkout / ".venv/bin/python").write_text('#!/bin/sh\ncase "$*" in *pip*) exit 1 ;; esac\n')
    for _ in range(2):
        done = run(checkout, "./demo")
        assert done.returncode == 1
        assert "could not be installed" in done.stderr


def test_check_runs_every_step_and_lists_them(checkout: Path) -> None:
    """In order, with times; fast leaves the browser out."""
    calls = installed(checkout, ".[dev]")
    done = run(checkout, "./check", "--fast")
    assert done.returncode == 0, done.stderr
    assert [line for line in calls.read_text().splitlines() if line and not line.startswith("-c")] == [
        "-m ruff format --check --quiet .",
        "-m ruff check --quiet .",
        "-m mypy",
        "--no-logo",
        f"-m pytest {SIDE_BY_SIDE} -m not browser",
    ]
    steps = [line.rpartition(" (")[0] for line in done.stdout.splitlines() if line.startswith("✓")]
    assert steps == ["✓ format", "✓ lint", "✓ types", "✓ import contracts", "✓ tests, without a browser"]
    assert "All is well" in done.stderr


def test_check_fails_when_a_step_does_and_runs_the_rest(checkout: Path) -> None:
    """One run tells everything that is wrong."""
    installed(checkout, ".[dev]")
    (checkout / ".venv/bin/python").write_text('#!/bin/sh\ncase "$*" in *mypy*) exit 1 ;; esac\n')
    done = run(checkout, "./check", "--fast")
    assert done.returncode == 1
    assert "✗ types" in done.stdout
    assert "✓ tests" in done.stdout
    assert "Not all is well" in done.stderr


def test_check_says_what_it_cannot_install(checkout: Path) -> None:
    """Without Chromium and without a way to get it."""
    calls = installed(checkout, ".[dev]")
    done = run(checkout, "./check")
    assert done.returncode == 1
    assert "apt-get install chromium" in done.stderr
    assert "--fast" in done.stderr
    assert "pytest" not in calls.read_text()
    named = run(checkout, "./check", environment={"CHROMIUM": "/nowhere/chromium"})
    assert "CHROMIUM names /nowhere/chromium" in named.stderr


def test_check_installs_chromium_where_it_can(checkout: Path) -> None:
    """By the system's packages, without asking for anything."""
    calls = installed(checkout, ".[dev]")
    program(
        checkout,
        "apt-get",
        f'echo "apt-get $*" >>{calls}\ncase "$*" in *install*) printf "#!/bin/sh\\n" >{checkout}/bin/chromium\n'
        f"{shutil.which('chmod')} 755 {checkout}/bin/chromium ;; esac\n",
    )
    program(checkout, "sudo", 'shift\nexec "$@"\n')
    done = run(checkout, "./check")
    assert done.returncode == 0, done.stderr
    assert "apt-get install -y -qq chromium" in calls.read_text()
    assert calls.read_text().splitlines()[-1] == f"-m pytest {SIDE_BY_SIDE}"


def test_wrong_use_of_check_is_refused(checkout: Path) -> None:
    """It does not run everything because of a misspelt option."""
    assert "Usage" in run(checkout, "./check", "--fats").stderr


def test_the_scripts_can_be_run() -> None:
    """They are executable, and CI's is nothing but `./check`."""
    for name in ("demo", "check", ".ci/run"):
        assert os.access(ROOT / name, os.X_OK)
    assert (ROOT / ".ci/run").read_text().splitlines()[-1] == "exec ./check"
    assert sys.version_info >= (3, 11)
