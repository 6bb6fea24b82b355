"""`idp config`: what is set, where it came from, and whether `serve` would take it."""

from dataclasses import asdict

import click

from idp.cli.failures import Failure, in_lines
from idp.cli.opening import Program, pass_program
from idp.cli.output import as_json, cell, show_json
from idp.settings import BadSettings, unsafe


@click.group()
def config() -> None:
    """Show and check the settings."""


@config.command()
@as_json
@pass_program
def show(program: Program, json_: bool) -> None:
    """Print every setting with its value and its source; secrets are masked."""
    found = program.loaded.explain()
    if json_:
        show_json({one.key: {"value": one.value, "source": one.source} for one in found})
        return
    width = max(len(one.key) for one in found)
    for one in found:
        click.echo(f"{one.key.ljust(width)}  {cell(one.value)}  ({one.source})")


@config.command()
@as_json
@click.pass_context
@pass_program
def check(program: Program, context: click.Context, json_: bool) -> None:
    """Exit with 1 and say why if `serve` would refuse these settings."""
    if not json_:
        refuse_unsafe(program)
        click.echo("The settings are fit to serve.")
        return
    try:
        faults = unsafe(program.settings, program.loaded.sources)
    except BadSettings as bad:
        faults = list(bad.faults)
    show_json({"fit": not faults, "faults": [asdict(fault) for fault in faults]})
    context.exit(1 if faults else 0)


def refuse_unsafe(program: Program) -> None:
    """Raise `Failure` naming every setting that is unsafe, with its remedy. Raises `BadSettings`."""
    faults = unsafe(program.settings, program.loaded.sources)
    if faults:
        happened = in_lines("Refusing to serve with these settings:", faults)
        raise Failure(happened, next_step="set each as said under it, or run `idp dev` on this machine only")
