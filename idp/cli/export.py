"""`idp export`: clients, resources and accounts as lines of JSON."""

from pathlib import Path

import click

from idp.accounts.audit import record
from idp.cli.backup import STANDARD, outlet
from idp.cli.opening import Program, pass_program


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path, allow_dash=True))
@click.option(
    "--only",
    "kinds",
    type=click.Choice(["clients", "resources", "accounts"]),
    multiple=True,
    help="Repeatable; by default all of them.",
)
@click.option("--secrets", is_flag=True, help="With password hashes and what client secrets are checked by.")
@click.option("--force", is_flag=True, help="Replace a file that is there already.")
@pass_program
def export(program: Program, file: Path, kinds: tuple[str, ...], secrets: bool, force: bool) -> None:
    """Write clients, resources and accounts into FILE, or to standard output for -: one JSON object a line, in one
    order always, so that two exports can be compared."""
    from idp.exchange.lines import KINDS, export_lines

    wanted, count = kinds or KINDS, 0
    with outlet(file, force=force) as stream, program.reading() as uow:
        for line in export_lines(uow, wanted, secrets=secrets):
            stream.write(line.encode())
            count += 1
    with program.writing() as uow:
        record(uow, "export.made", now=program.now, kinds=" ".join(wanted), secrets="yes" if secrets else "no")
    click.echo(f"Exported {count} records.", err=file == STANDARD)
