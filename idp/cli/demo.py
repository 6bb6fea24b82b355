"""`idp demo`: the provider and two relying parties on three origins, with everything set up, in one command."""

import shutil
from pathlib import Path

import click

from idp.cli.demo_processes import Children, PortTaken, check_ports, serve_until_stopped
from idp.cli.demo_state import Address, DemoState, addresses, prepare, write_config
from idp.cli.opening import Program, guarded, pass_program


@click.command()
@click.option("--home", default=".signet/demo", show_default=True, type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--first-port", default=9000, show_default=True, type=click.IntRange(1, 65_533), help="It and the next two."
)
@click.option("--reset", is_flag=True, help="Forget the demo's accounts, clients and keys, and begin anew.")
@click.pass_context
def demo(context: click.Context, home: Path, first_port: int, reset: bool) -> None:
    """Run the provider, the Shop and the Bank, and say what to open."""
    where = addresses(first_port)
    try:
        check_ports([address.port for address in where.values()])
    except PortTaken as fault:
        raise click.ClickException(str(fault)) from None
    if reset and home.exists():
        shutil.rmtree(home)
    _step("The ports are free" if home.exists() else "Setting up the demo in " + str(home))
    config = write_config(home, where["idp"])
    context.obj = Program(context.obj.overrides, config)
    context.invoke(_run, home=home, where=where)


@pass_program
@guarded
def _run(program: Program, home: Path, where: dict[str, Address]) -> None:
    state = prepare(program, home, where)
    with Children(state) as children:
        _step("The Shop and the Bank are starting")
        serve_until_stopped(program.settings, program.storage, children, lambda: _tell(state, home))
    click.echo("\nStopped.")


def _tell(state: DemoState, home: Path) -> None:
    _step("All three are running")
    click.echo(
        f"""
  {click.style("Open the Shop", bold=True)}   {state.addresses["shop"].url}
  {click.style("Then the Bank", bold=True)}   {state.addresses["bank"].url}
  The provider    {state.addresses["idp"].url}

  User name       {state.username}
  Password        {state.password}

  Sign in to the Shop, then open the Bank: it lets you in without asking. Sign out of the Shop: the Bank knows.

  A native app    .venv/bin/python -m demo_clients.mobile login
  Rotate the key  IDP_CONFIG={home}/idp.toml .venv/bin/idp keys rotate

  Stop all with Ctrl-C."""
    )


def _step(text: str) -> None:
    click.echo(f"{click.style('✓', fg='green')} {text}")
