"""The code under test: the working tree, or a commit laid out by itself so that edits meanwhile do not disturb it."""

import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

_ROOT = Path(__file__).parents[2]


@contextmanager
def source_of(revision: str | None) -> Iterator[Path]:
    """The folder with the provider's code: the working tree, or a temporary one with the revision's."""
    if revision is None:
        yield _ROOT
        return
    with tempfile.TemporaryDirectory(prefix="signet-source-") as folder:
        with tarfile.open(fileobj=BytesIO(_git("archive", revision, "idp"))) as archive:
            archive.extractall(folder, filter="data")
        yield Path(folder)


def describe_source(revision: str | None) -> str:
    """Return the commit, and whether the working tree's provider differs from it."""
    commit = _git("rev-parse", "--short=12", revision or "HEAD").decode().strip()
    changed = revision is None and _git("status", "--porcelain", "--", "idp")
    return f"commit {commit}{' with changes' if changed else ''}"


def _git(*arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=_ROOT, check=True, capture_output=True).stdout
