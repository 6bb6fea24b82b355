"""`python -m bench`: measure the provider against the machine's own limits and print Markdown.

A share is the processor time that a request cannot do without (its signatures, its password hash, a bare answer) over
all that the server spent on it, both taken within the same second: neither the load's own time nor a machine that is
now slower, now faster counts.
"""

import os
import platform
import sys
from dataclasses import replace
from pathlib import Path

import click

from bench.peer import install
from bench.run import Plan, run
from bench.table import render
from bench.works import GROUPS

QUICK = Plan(rounds=3, scale=0.12, starts=2, beside=2.0)


@click.command()
@click.option("--quick", is_flag=True, help="A first look: about a minute instead of eight.")
@click.option("--only", help=f"Comma-separated: {', '.join(GROUPS)}.")
@click.option("--storage", type=click.Choice(["sqlite", "postgresql"]), default="sqlite", show_default=True)
@click.option("--peer", is_flag=True, help="Beside node-oidc-provider, which npm installs into bench/.peer.")
@click.option("--workers", type=click.IntRange(1, 16), default=2, show_default=True, help="Compared with one.")
@click.option("--stock", type=click.IntRange(0), default=0, help="Accounts that there are already.")
@click.option("--rounds", type=click.IntRange(1), help="How often everything is measured.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the Markdown there.")
def main(
    quick: bool,
    only: str | None,
    storage: str,
    peer: bool,
    workers: int,
    stock: int,
    rounds: int | None,
    output: Path | None,
) -> None:
    """Measure the provider."""
    groups = tuple(only.split(",")) if only else ()
    unknown = sorted(set(groups) - set(GROUPS))
    if unknown:
        raise click.BadParameter(f"unknown: {', '.join(unknown)}", param_hint="--only")
    base = QUICK if quick else Plan()
    plan = replace(base, storage=storage, only=groups, peer=peer, workers=workers, stock=stock)
    where = machine(install() if peer else None)
    report = run(replace(plan, rounds=rounds or plan.rounds), lambda line: print(line, file=sys.stderr))
    text = render(report, where)
    if output:
        output.write_text(text)
    else:
        print(text, end="")


def machine(peer: str | None) -> str:
    """Return a sentence about where this runs, and how busy it is already."""
    cores = os.cpu_count()
    also = f"; peer: {peer}" if peer else ""
    busy = os.getloadavg()[0]
    python = platform.python_version()
    return f"{cores} cores, load average {busy:.1f} before, {platform.machine()}, CPython {python}{also}."


if __name__ == "__main__":
    main()
