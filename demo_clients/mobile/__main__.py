"""Command line entry; `--help` lists the commands."""

import sys

from demo_clients.mobile.cli import main

if __name__ == "__main__":
    sys.exit(main())
