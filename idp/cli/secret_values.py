"""Secrets on their way in and out: by prompt, standard input or file, never by argument, which others can read."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from idp.cli.failures import Failure
from idp.randomness import new_identifier

secret_file_option = click.option(
    "--secret-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the secret to this file, mode 0600, instead of printing it.",
)


def password_options(command: Any) -> Any:
    """Add the options by which a password comes in."""
    from_stdin = click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
    from_file = click.option(
        "--password-file",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="Read the password from a file.",
    )
    return from_stdin(from_file(command))


def read_password(password_stdin: bool, password_file: Path | None) -> str:
    """Return a password: the first line of standard input or of the file, or what is typed twice. Nothing of it is
    trimmed but the line's end. Raises click.UsageError when there is no way to ask, or the password is empty."""
    if password_stdin and password_file:
        raise click.UsageError("Give --password-stdin or --password-file, not both.")
    try:
        if password_stdin:
            password = sys.stdin.readline()
        elif password_file is not None:
            password = password_file.read_text("utf-8").partition("\n")[0]
        else:
            password = _ask()
    except UnicodeDecodeError:
        raise click.UsageError("The password is not text in UTF-8.") from None
    password = password.rstrip("\r\n")
    if not password:
        raise click.UsageError("The password is empty.")
    return password


def _ask() -> str:
    if not sys.stdin.isatty():
        raise click.UsageError("There is no terminal to ask on: use --password-stdin or --password-file.")
    answer: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return answer


@contextmanager
def secret_outlet(file: Path | None, *, replace: bool) -> Iterator[Callable[[str | None], None]]:
    """Give a function that hands a new secret to its owner, once: by a file of mode 0600, or on the terminal.

    The file is made before the block does anything that cannot be undone, and appears whole or not at all. Raises
    `Failure` if it is there already, unless it may be replaced."""
    if file is None:
        yield _print_secret
        return
    if file.exists() and not replace:
        raise Failure(f"{file} exists already.", next_step="name another file, or remove it")
    draft = file.with_name(f".{file.name}.{new_identifier()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
            yield lambda secret: _write_secret(handle, draft, file, secret)
    finally:
        draft.unlink(missing_ok=True)


def _print_secret(secret: str | None) -> None:
    if secret is not None:
        click.echo(f"Secret, shown this once: {secret}")


def _write_secret(handle: Any, draft: Path, file: Path, secret: str | None) -> None:
    if secret is None:
        return
    handle.write(secret + "\n")
    handle.flush()
    os.fsync(handle.fileno())
    draft.replace(file)
    click.echo(f"The secret is in {file}.")
