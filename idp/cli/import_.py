"""`idp import`: clients, resources and accounts from lines of JSON, all of them or none."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from idp.cli.failures import Failure
from idp.cli.opening import Program, pass_program
from idp.cli.output import cell

if TYPE_CHECKING:
    from idp.exchange.lines import Report


class _NotKept(Exception):
    """Undoes the unit of work."""


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path, allow_dash=True))
@click.option(
    "--on-conflict",
    type=click.Choice(["fail", "skip", "replace"]),
    default="fail",
    show_default=True,
    help="What to do about a record that is there already and differs.",
)
@click.option("--dry-run", is_flag=True, help="Only tell what would come of it.")
@pass_program
def import_(program: Program, file: Path, on_conflict: Any, dry_run: bool) -> None:
    """Take clients, resources and accounts from FILE, or standard input for -, as `idp export` writes them.

    Each is checked as `client add`, `resource add` and `user add` do. All faults are told with the number of their
    line, and then nothing is changed. What is there already and does not differ is left alone."""
    report = _import(program, file, on_conflict, dry_run=dry_run)
    for number, fault in report.faults:
        click.echo(f"Line {number}: {cell(fault)}", err=True)
    if report.faults:
        raise Failure(f"{len(report.faults)} lines are faulty; nothing was changed.", next_step="mend these lines")
    counts = ", ".join(f"{report.outcomes[name]} {name}" for name in ("made", "changed", "unchanged", "skipped"))
    click.echo(f"Would be: {counts}; nothing was changed." if dry_run else f"Imported: {counts}.")
    if report.without_secret:
        click.echo("These clients have a secret that nobody knows; make another: idp client rotate-secret ID")
        for client_id in report.without_secret:
            click.echo(f"  - {client_id}")


def _import(program: Program, file: Path, on_conflict: Any, *, dry_run: bool) -> "Report":
    from idp.exchange.lines import Report, import_lines
    from idp.exchange.outcome import Importing

    importing = Importing(
        registry=program.registry,
        settings=program.settings,
        sessions=program.sessions,
        vault=lambda: program.vault,
        on_conflict=on_conflict,
        now=program.now,
    )
    report = Report()
    try:
        with _source(file) as stream, program.writing() as uow:
            report = import_lines(uow, stream, importing)
            if report.faults or dry_run:
                raise _NotKept
    except _NotKept:
        pass
    return report


@contextmanager
def _source(file: Path) -> Iterator[IO[bytes]]:
    if file == Path("-"):
        yield sys.stdin.buffer
        return
    with file.open("rb") as stream:
        yield stream
