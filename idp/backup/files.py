"""Files that appear whole or not at all, readable by their owner only."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from idp.randomness import new_identifier


@contextmanager
def whole_file(path: Path, *, replace: bool) -> Iterator[IO[bytes]]:
    """Give a stream whose content is at `path`, synced and of mode 0600, once the block has ended without an error.

    Until then it has a name of its own beside it, beginning with a dot, which a kill may leave behind. Raises
    FileExistsError at once if there is a file and it may not be replaced, and OSError."""
    if not replace and os.path.lexists(path):
        raise FileExistsError(17, "a file is there already", str(path))
    draft = path.with_name(f".{path.name}.{new_identifier()}.part")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        _put_in_place(draft, path, replace=replace)
    finally:
        draft.unlink(missing_ok=True)


def _put_in_place(draft: Path, path: Path, *, replace: bool) -> None:
    if replace:
        draft.replace(path)
    else:
        # Unlike a rename this fails if somebody else has made the file meanwhile.
        os.link(draft, path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
