"""The deployment files say nothing that is not so: settings, commands, paths and health addresses exist."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from idp.cli import COMMANDS
from idp.settings.model import FIELDS, environment_name
from idp.web.health import HEALTH_ACTIONS

ROOT = Path(__file__).parents[2]
PLACES = ("Dockerfile", "compose.yaml", "deploy/*.yaml", "deploy/*.service", "deploy/*.cfg", "docs/how-to/*.md", "*.md")
FILES = sorted(path for place in PLACES for path in ROOT.glob(place))
KNOWN = {environment_name(key) for key in FIELDS}
# A file instead of a value, and where the settings file is.
ALSO = {f"{name}_FILE" for name in KNOWN} | {"IDP_CONFIG"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_setting_exists(path: Path) -> None:
    """Whatever is set by the environment."""
    named = set(re.findall(r"\bIDP_[A-Z_]*[A-Z]", path.read_text("utf-8")))
    assert named <= KNOWN | ALSO


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_health_address_exists(path: Path) -> None:
    """Probes and checks ask what is answered."""
    asked = set(re.findall(r"/health[a-z/]*", path.read_text("utf-8")))
    assert asked <= {action.path for action in HEALTH_ACTIONS}


def test_every_command_exists() -> None:
    """Of the unit, of the image and of the migration job."""
    unit = (ROOT / "deploy" / "idp.service").read_text("utf-8")
    image = (ROOT / "Dockerfile").read_text("utf-8")
    jobs = "".join(path.read_text("utf-8") for path in (ROOT / "deploy").glob("*.yaml"))
    found = re.findall(r"^ExecStart=\S+/idp .* (\w+)$", unit, re.MULTILINE)
    found += re.findall(r'"idp", "(\w+)"', image) + re.findall(r'^CMD \["(\w+)"\]', image, re.MULTILINE)
    found += re.findall(r"(?:command|args): \[(\w+)\]", jobs)
    assert len(found) == 5
    assert set(found) <= set(COMMANDS)


def test_the_image_takes_what_exists() -> None:
    """Whatever is copied into it is there, and reaches the builder."""
    copied = re.findall(r"^COPY (?!--)(.+) \S+$", (ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    ignored = (ROOT / ".dockerignore").read_text("utf-8")
    for name in " ".join(copied).split():
        assert (ROOT / name).exists()
        assert f"!{name}" in ignored or name.startswith("deploy/requirements")


def test_the_image_is_compiled_once() -> None:
    """Byte code that pip makes holds the times of files, and is then kept: the same tree would give other files."""
    image = (ROOT / "Dockerfile").read_text("utf-8")
    into_the_image = re.findall(r"--python /opt/signet/bin/python install (\S+)", image)
    assert into_the_image == ["--no-compile"] * 2
    # By a variable it would take a false value, and a true one asks for the opposite.
    assert "PIP_NO_COMPILE" not in image


@pytest.mark.parametrize("name", ["Dockerfile", "deploy/idp.service"])
def test_a_silent_name_server_is_given_up_soon(name: str) -> None:
    """Before the 4 s are over in which requests are answered, whatever the database does."""
    found = re.findall(r"RES_OPTIONS=\"?timeout:(\d) attempts:(\d)\"", (ROOT / name).read_text("utf-8"))
    assert [int(timeout) * int(attempts) < 4 for timeout, attempts in found] == [True]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="the system has no systemd-analyze")
def test_the_unit_exposes_little() -> None:
    """By systemd's own score, of which 10 is the worst."""
    command = ("systemd-analyze", "security", "--offline=true", "--threshold=15", ROOT / "deploy" / "idp.service")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-300:]
