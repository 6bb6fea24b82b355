"""`idp restore`: everything from a backup, and what an operator has to know afterwards."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from idp.cli.failures import Failure
from idp.cli.healthcheck import ask_provider
from idp.cli.opening import Program, pass_program
from idp.cli.output import instant
from idp.cli.restored import what_to_check, what_was_restored

if TYPE_CHECKING:
    from idp.backup.checking import Checked
    from idp.backup.restoring import Restored, Wish
    from idp.jose.sealing import KeyEncryptionKey
    from idp.stores.interfaces import Storage


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path, allow_dash=True))
@click.option("--replace", is_flag=True, help="Replace what the database holds; without it, it must be empty.")
@click.option("--check", "only_check", is_flag=True, help="Only tell whether FILE is whole and its secrets open.")
@click.option(
    "--after",
    metavar="URL",
    help="The database that was lost, if it can be read: accounts and clients changed there since count.",
)
@click.option(
    "--move",
    is_flag=True,
    help="Nothing happened since: the provider was stopped before the backup was made. Sessions, tokens and keys live.",
)
@click.option(
    "--lost-key",
    is_flag=True,
    help="The key-encryption key is lost; client secrets that serve as keys have to be made anew.",
)
@pass_program
def restore(
    program: Program, file: Path, replace: bool, only_check: bool, after: str | None, move: bool, lost_key: bool
) -> None:
    """Restore everything from FILE, or standard input for -, into the database of the settings, of either kind.

    What was spent or revoked after the backup stays so: all sessions and tokens end, and new signing keys are made.
    Stop the provider before."""
    from idp.backup.checking import check_backup
    from idp.backup.format import UnusableBackup
    from idp.backup.restoring import Wish

    if lost_key and (move or after):
        raise click.UsageError("--lost-key goes with neither --move nor --after.")
    with ExitStack() as opened, _source(file) as stream:
        try:
            checked = check_backup(stream)
            _check_issuer(program, checked)
            vault = _vault(program, checked, lost_key=lost_key, may_create=not only_check)
            if only_check:
                _say_whole(file, checked)
                return
            old = opened.enter_context(_old_database(program, after)) if after else None
            wish = Wish(replaces=replace, moves=move, without_secrets=lost_key, after=old)
            restored = _restore(program, stream, checked, wish, vault)
        except UnusableBackup as fault:
            raise Failure(f"{file} cannot be restored: {fault}.", next_step="take another backup") from None
    click.echo(what_was_restored(checked, restored))
    click.echo(what_to_check(checked, moves=move, lost_key=lost_key, carried=restored.carried))


def _restore(
    program: Program, stream: IO[bytes], checked: "Checked", wish: "Wish", vault: "KeyEncryptionKey"
) -> "Restored":
    from idp.app import build_key_life_cycle, open_storage
    from idp.backup.restoring import NotEmpty, restore_backup

    if wish.replaces and ask_provider(program.settings, "/health/live") is not None:
        raise Failure("The provider is running.", next_step="stop every instance, then restore")

    def make_keys(storage: "Storage", now: int) -> None:
        build_key_life_cycle(program.settings, storage, vault).tick(now)

    with closing(open_storage(program.settings)) as storage:
        try:
            return restore_backup(storage, stream, checked, wish, program.now, make_keys)
        except NotEmpty as found:
            raise Failure(
                f"{storage.place} holds data already: its table {found.args[0]} has rows.",
                next_step="name another database, or add --replace, which forgets what is there",
            ) from None


@contextmanager
def _source(file: Path) -> Iterator[IO[bytes]]:
    """Give a stream that can be read twice; what comes through a pipe is kept meanwhile, nameless and for us alone."""
    if file != Path("-"):
        with file.open("rb") as stream:
            yield stream
        return
    with tempfile.TemporaryFile() as kept:
        shutil.copyfileobj(sys.stdin.buffer, kept)
        yield kept


@contextmanager
def _old_database(program: Program, url: str) -> Iterator["Storage"]:
    from idp.app import open_storage
    from idp.settings.values import check_database_url

    settings = program.settings.model_copy(update={"database_url": check_database_url(url)})
    with closing(open_storage(settings, may_create=False)) as storage:
        storage.check()
        yield storage


def _check_issuer(program: Program, checked: "Checked") -> None:
    if checked.header.issuer != program.settings.issuer:
        click.echo(
            f"Warning: the backup is of {checked.header.issuer}, and the issuer here is {program.settings.issuer}.",
            err=True,
        )


def _vault(program: Program, checked: "Checked", *, lost_key: bool, may_create: bool) -> "KeyEncryptionKey":
    """Return the key-encryption key, which must be the backup's, unless that is lost. Raises `Failure`."""
    from idp.app import load_vault

    vault = load_vault(program.settings, may_create=may_create and (lost_key or not checked.has_sealed))
    if not lost_key and not checked.opens(vault):
        raise Failure(
            "The key-encryption key is not the one that belongs to this backup.",
            next_step="put that key in its place (idp config show, key_encryption_key_file); or, if it is lost, "
            "restore with --lost-key",
        )
    return vault


def _say_whole(file: Path, checked: "Checked") -> None:
    made_at, schema = instant(checked.header.made_at), checked.header.schema
    click.echo(f"{file} is whole: made at {made_at}, schema {schema}, {sum(checked.rows.values())} rows.")
    click.echo("What is sealed in it opens under this key-encryption key.")
