"""`idp config`: what is set, where it came from, and whether `serve` would take it."""

import json

import click

from idp.cli.opening import Program, pass_program
from idp.cli.output import as_json
from idp.settings import unsafe


@click.group()
def config() -> None:
    """Show and check the settings."""


@config.command()
@as_json
@pass_program
def show(program: Program, json_: bool) -> None:
    """Print every setting with its source; secrets are masked."""
    found = program.loaded.explain()
    if json_:
        click.echo(json.dumps({e.key: {"value": e.value, "source": e.source} for e in found}, indent=2))
        return
    width = max(len(e.key) for e in found)
    for e in found:
        click.echo(f"{e.key.ljust(width)}  {e.value or '-'}  ({e.source})")


@config.command()
@pass_program
def check(program: Program) -> None:
    """Exit with 1 and say why if `serve` would refuse these settings."""
    refuse_unsafe(program)
    click.echo("The settings are fit to serve.")


def refuse_unsafe(program: Program) -> None:
    """Raise click.ClickException naming every setting that is unsafe, with its remedy."""
    faults = unsafe(program.settings, program.loaded.sources)
    if faults:
        lines = "\n".join(str(fault) for fault in faults)
        raise click.ClickException(f"Refusing to serve with these settings:\n{lines}")
