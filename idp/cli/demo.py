"""`idp demo`: the provider and two relying parties on three origins, with everything set up, in one command."""

import shutil
from pathlib import Path

import click

from idp.cli.demo_processes import Children, PortTaken, check_ports, serve_until_stopped
from idp.cli.demo_state import ADDRESSES, DemoState, prepare
from idp.cli.opening import Program, guarded, pass_program
from idp.cli.serve import DEVELOPMENT


@click.command()
@click.option("--home", default=".signet/demo", show_default=True, type=click.Path(file_okay=False, path_type=Path))
@click.option("--reset", is_flag=True, help="Forget the demo's accounts, clients and keys, and begin anew.")
@click.pass_context
def demo(context: click.Context, home: Path, reset: bool) -> None:
    """Run the provider, the Shop and the Bank, and say what to open."""
    try:
        check_ports([address.port for address in ADDRESSES.values()])
    except PortTaken as fault:
        raise click.ClickException(str(fault)) from None
    if reset and home.exists():
        shutil.rmtree(home)
    _step("The ports are free" if home.exists() else "Setting up the demo in " + str(home))
    overrides = DEVELOPMENT | {
        "home": str(home),
        "key_encryption_key_file": str(home / "key-encryption.key"),
        "issuer": ADDRESSES["idp"].url,
        "port": ADDRESSES["idp"].port,
        "log_level": "warning",
        "product_name": "Signet",
    }
    context.obj = Program(overrides | context.obj.overrides)
    context.invoke(_run, home=home)


@click.command()
@click.option("--home")
@pass_program
@guarded
def _run(program: Program, home: Path) -> None:
    state = prepare(program, home)
    with Children(state) as children:
        _step("The Shop and the Bank are starting")
        serve_until_stopped(program.settings, children, lambda: _tell(state, home))
    click.echo("\nStopped.")


def _tell(state: DemoState, home: Path) -> None:
    _step("All three are running")
    idp = f"idp --home {home} --set key_encryption_key_file={home / 'key-encryption.key'}"
    click.echo(
        f"""
  {click.style("Open the Shop", bold=True)}   {ADDRESSES["shop"].url}
  {click.style("Then the Bank", bold=True)}   {ADDRESSES["bank"].url}
  The provider    {ADDRESSES["idp"].url}

  User name       {state.username}
  Password        {state.password}

  Sign in to the Shop, then open the Bank: it lets you in without asking. Sign out of the Shop: the Bank knows.

  A native app    .venv/bin/python -m demo_clients.mobile login
  Rotate the key  .venv/bin/{idp} keys rotate

  Stop all with Ctrl-C."""
    )


def _step(text: str) -> None:
    click.echo(f"{click.style('✓', fg='green')} {text}")
