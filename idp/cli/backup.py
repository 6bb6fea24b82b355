"""`idp backup`: everything in one file, while the provider serves."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import click

from idp.accounts.audit import record
from idp.cli.failures import Failure
from idp.cli.opening import Program, pass_program
from idp.cli.output import instant
from idp.clock import SystemClock
from idp.stores.interfaces import StorageUnavailable

STANDARD = Path("-")


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path, allow_dash=True))
@click.option("--force", is_flag=True, help="Replace a file that is there already.")
@pass_program
def backup(program: Program, file: Path, force: bool) -> None:
    """Write everything into FILE, or to standard output for -, while the provider serves.

    The file holds password hashes and, sealed under the key-encryption key, private keys: keep it as safe as the
    database. That key is not in it; keep it elsewhere."""
    from idp.backup.making import make_backup

    with outlet(file, force=force) as stream:
        made = make_backup(program.storage, program.settings.issuer, SystemClock(), stream)
    try:
        with program.writing() as uow:
            record(uow, "backup.made", now=program.now, made_at=made.made_at)
    except StorageUnavailable as fault:
        # A backup is wanted most when nothing can be written any more.
        click.echo(f"Warning: it could not be noted in the audit: {fault}", err=True)
    where = "Written" if file == STANDARD else str(file)
    rows = sum(made.rows.values())
    click.echo(f"{where}: {rows} rows, as they were at {instant(made.made_at)}.", err=file == STANDARD)


@contextmanager
def outlet(file: Path, *, force: bool) -> Iterator[IO[bytes]]:
    """Give the stream of a file that appears whole or not at all, or standard output. Raises `Failure`."""
    from idp.backup.files import whole_file

    if file == STANDARD:
        if sys.stdout.isatty():
            raise Failure("That is not for a terminal.", next_step="name a file, or send it into a pipe")
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        with whole_file(file, replace=force) as stream:
            yield stream
    except FileExistsError:
        raise Failure(f"{file} exists already.", next_step="name another file, or add --force") from None
