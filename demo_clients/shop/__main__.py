"""Command line entry; `--help` lists the options."""

import sys

from demo_clients.relying_party.serve import run
from demo_clients.shop.app import DEFAULTS, create_app

if __name__ == "__main__":
    sys.exit(run(DEFAULTS, create_app))
