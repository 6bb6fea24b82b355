"""The OpenID Foundation's plans for relying parties against the Shop; run by hand, no part of `./check`."""
