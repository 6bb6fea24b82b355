"""Our driver for the OpenID Foundation's conformance suite; run by hand, no part of `./check`."""
