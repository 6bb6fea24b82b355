"""`idp demo`: the provider and two relying parties on three origins, with everything set up, in one command.

This process only starts the three, watches them and stops them. The provider's process makes what it needs in its
database (`seed`); what all must know, passwords and ports, is in files of the demo's home (`home`).
"""

from pathlib import Path

import click

from idp.cli.demo.addresses import Address, addresses, check_ports
from idp.cli.demo.children import Children
from idp.cli.demo.home import DemoHome, open_home
from idp.cli.demo.progress import Progress
from idp.cli.demo.signals import until_signal


@click.command()
@click.option(
    "--home",
    default=".signet/demo",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory of the demo's state.",
)
@click.option(
    "--first-port", default=9000, show_default=True, type=click.IntRange(1, 65_533), help="It and the next two."
)
@click.option("--reset", is_flag=True, help="Forget the demo's accounts, clients and keys, and begin anew.")
def demo(home: Path, first_port: int, reset: bool) -> None:
    """Run the provider, the Shop and the Bank, and say what to open."""
    where = addresses(first_port)
    check_ports(where)
    kept = open_home(home, where, reset=reset)
    progress = Progress([address.title for address in where.values()])
    with until_signal() as stopping, Children(kept, where) as children:
        children.wait_until_ready(stopping, progress)
        if not stopping.is_set():
            progress.done()
            click.echo(_summary(kept, where))
            children.watch(stopping)
    click.echo("\nStopped.")


def _summary(kept: DemoHome, where: dict[str, Address]) -> str:
    def line(name: str, value: str) -> str:
        return f"  {click.style(name.ljust(14), bold=True)}  {value}"

    parts = " ".join(f"--{name}-url {where[name].url}" for name in ("shop", "bank"))
    flags = "" if where["idp"].is_usual else f" --issuer {where['idp'].url} {parts}"
    python, config = kept.python, kept.config
    return "\n".join(
        [
            "All three are running.",
            "",
            line("Open the Shop", where["shop"].url),
            line("Then the Bank", where["bank"].url),
            line("The provider", where["idp"].url),
            "",
            line("User name", kept.username),
            line("Password", kept.password),
            "",
            "  Sign in to the Shop, then open the Bank: it lets you in without asking.",
            "  Move money at the Bank: its API wants a second factor; without one you set it up on the way.",
            f"  Add a passkey at {where['idp'].url}/account, and sign in by it.",
            "  Sign out of the Shop, and the Bank knows within a second.",
            "",
            line("A native app", f"{python} -m demo_clients.mobile{flags} login"),
            line("Rotate the key", f"{python} -m idp --config {config} keys rotate"),
            line("Logs", str(kept.logs)),
            "",
            "Stop all with Ctrl-C.",
        ]
    )
