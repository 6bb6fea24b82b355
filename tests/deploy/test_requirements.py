"""What the image installs by hash is all that the program needs, in versions that pyproject.toml takes."""

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import requires, version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]


def _asked() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return [Requirement(line) for line in project["dependencies"] + project["optional-dependencies"]["postgres"]]


def _pinned() -> dict[str, Version]:
    text = (ROOT / "deploy" / "requirements.txt").read_text("utf-8")
    return {canonicalize_name(name): Version(version) for name, version in re.findall(r"(?m)^(\S+)==(\S+)", text)}


def _all_that(requirement: Requirement, pinned: dict[str, Version], seen: set[str]) -> Iterator[Requirement]:
    """Yield it and, on this system, whatever it needs in turn, as far as what is installed is what is pinned."""
    yield requirement
    name = canonicalize_name(requirement.name)
    if str(requirement) in seen or name not in pinned or Version(version(name)) != pinned[name]:
        return
    seen.add(str(requirement))
    for extra in ("", *requirement.extras):
        for needed in map(Requirement, requires(name) or ()):
            if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                yield from _all_that(needed, pinned, seen)


def test_whatever_is_needed_is_pinned() -> None:
    """What is missing would be told by the first import in the image only, for there nothing else is installed."""
    pinned, seen = _pinned(), set[str]()
    needed = [each for requirement in _asked() for each in _all_that(requirement, pinned, seen)]
    missing = {canonicalize_name(each.name) for each in needed} - pinned.keys()
    assert not missing, "make deploy/requirements.txt anew"
    assert not [str(each) for each in needed if pinned[canonicalize_name(each.name)] not in each.specifier]


def test_every_pin_has_a_hash() -> None:
    """For one without, pip refuses all."""
    text = (ROOT / "deploy" / "requirements.txt").read_text("utf-8").replace("\\\n", "")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert len(lines) == len(_pinned())
    assert all("--hash=sha256:" in line for line in lines)
