"""Command line entry; `--help` lists the options."""

import sys

from demo_clients.bank.app import DEFAULTS, create_app
from demo_clients.relying_party.serve import run

if __name__ == "__main__":
    sys.exit(run(DEFAULTS, create_app))
