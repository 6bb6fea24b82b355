"""The demo's provider, in a process of its own: fills its database, then serves.

python -m idp.cli.demo.provider HOME PORT
"""

import os
import sys
from pathlib import Path

from idp.app import build_registry
from idp.cli.demo.addresses import addresses
from idp.cli.demo.home import DemoHome
from idp.cli.demo.seed import Seed
from idp.cli.failures import Failure, as_failure
from idp.cli.running import run
from idp.settings import load_settings


def main(home: DemoHome, port: int) -> int:
    """Serve until a signal; return the exit status."""
    os.umask(0o077)
    try:
        settings = load_settings(config=home.config).settings
        run(settings, Seed(home, addresses(port), settings, build_registry()).plant)
    except Exception as error:
        failure = error if isinstance(error, Failure) else as_failure(error)
        if failure is None:
            raise
        failure.show()
        return failure.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(DemoHome(Path(sys.argv[1])), int(sys.argv[2])))
