"""`python -m bench.document`: measure everything and write it into docs/measurements.md, each part between its marks.

Best in a quiet moment: it takes an hour, in parts that can be taken one by one.
"""

import re
import subprocess
import sys
from pathlib import Path

import click

DOCUMENT = Path(__file__).parents[1] / "docs" / "measurements.md"
PARTS = {
    "sqlite": ["bench", "--peer"],
    "postgresql": ["bench", "--peer", "--storage", "postgresql"],
    "stock-sqlite": ["bench.stock", "--only", "growth"],
    "stock-postgresql": ["bench.stock", "--only", "growth", "--storage", "postgresql"],
    "sweeps-sqlite": ["bench.stock", "--only", "sweeps", "--sweepers", "1"],
    "sweeps-postgresql": ["bench.stock", "--only", "sweeps", "--storage", "postgresql"],
}


@click.command()
@click.argument("parts", nargs=-1, type=click.Choice(list(PARTS)))
def main(parts: tuple[str, ...]) -> None:
    """Measure these PARTS, or all of them."""
    for part in parts or PARTS:
        print(f"• {part}", file=sys.stderr)
        done = subprocess.run([sys.executable, "-m", *PARTS[part]], stdout=subprocess.PIPE, text=True, check=True)
        DOCUMENT.write_text(replaced(DOCUMENT.read_text(), part, done.stdout))


def replaced(document: str, part: str, text: str) -> str:
    """Return the document with a new text between the marks of a part. Raises `SystemExit` where they are missing."""
    begin, end = f"<!-- {part} -->\n", f"<!-- end of {part} -->\n"
    new, count = re.subn(f"{begin}.*?{end}", lambda _: f"{begin}\n{text.strip()}\n\n{end}", document, flags=re.DOTALL)
    if count != 1:
        raise SystemExit(f"{DOCUMENT} has no place for {part}")
    return new


if __name__ == "__main__":
    main()
