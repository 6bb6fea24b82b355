"""`python -m bench.stock`: what a large stock costs, and whether what is over goes away. Prints Markdown."""

import sys
import tempfile
from pathlib import Path

import click

from bench.provider import database_server
from bench.stock.growth import growth
from bench.stock.sweeps import sweeps


@click.command()
@click.option("--storage", type=click.Choice(["sqlite", "postgresql"]), default="sqlite", show_default=True)
@click.option("--accounts", type=click.IntRange(2), default=1_000_000, show_default=True, help="The large stock.")
@click.option("--few", type=click.IntRange(2), default=1_000, show_default=True, help="The small one.")
@click.option("--sign-ins", type=click.IntRange(1), default=1_000_000, show_default=True, help="Finished, to sweep.")
@click.option("--sweepers", type=click.IntRange(1, 4), default=2, show_default=True, help="Processes that sweep.")
@click.option("--rounds", type=click.IntRange(1), default=7, show_default=True)
@click.option("--only", type=click.Choice(["growth", "sweeps"]), help="One of both.")
def main(storage: str, accounts: int, few: int, sign_ins: int, sweepers: int, rounds: int, only: str | None) -> None:
    """Measure; all that is made is deleted again."""
    with database_server(storage) as server, tempfile.TemporaryDirectory() as folder:
        if only != "sweeps":
            print("\n".join(growth(Path(folder), server, (few, accounts), rounds, _tell)), end="\n\n")
        if only != "growth":
            print("\n".join(sweeps(Path(folder), server, sign_ins, sweepers, _tell)))


def _tell(line: str) -> None:
    print(line, file=sys.stderr)


if __name__ == "__main__":
    main()
